#!/usr/bin/env node
import { existsSync } from 'node:fs';
import module from 'node:module';

const main = new URL('../dist/clients/cli/main.js', import.meta.url);
if (existsSync(main)) {
  // Node 22 and later keep compiled code between starts
  module.enableCompileCache?.();
  const cli = await import(main.href);
  process.exitCode = await cli.main(process.argv.slice(2));
} else {
  process.stderr.write('Millrace is not built yet. Run: npm run setup\n');
  process.exitCode = 1;
}
