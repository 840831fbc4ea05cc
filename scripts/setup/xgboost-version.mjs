// node xgboost-version.mjs <library>: loads it and prints its version.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import koffi from 'koffi';

const path = process.argv[2];
try {
  // the wheel brings the OpenMP runtime that its library links to
  const openmp = readdirSync(dirname(path)).find((file) => file.startsWith('libgomp-'));
  if (openmp) koffi.load(join(dirname(path), openmp), { global: true });
  const version = koffi.load(path).func('void XGBoostVersion(_Out_ int*, _Out_ int*, _Out_ int*)');
  const parts = [[0], [0], [0]];
  version(...parts);
  process.stdout.write(parts.join('.'));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
