import { readFile } from 'node:fs/promises';
import { MillraceError } from '../../schemas/errors.js';

/** Shorter values are not hidden: they would blank out ordinary words and numbers everywhere. */
const SHORTEST = 6;
const HIDDEN = '[secret]';

/**
 * Resolves references to secrets (`env:NAME`, `file:/path`), and knows every value it has given out, so that none of
 * them leaves the process in an error, a log or a heartbeat.
 */
export class Secrets {
  private readonly known = new Set<string>();

  constructor(private readonly environment: NodeJS.ProcessEnv = process.env) {}

  /** @throws MillraceError SecretUnresolved naming the reference, never a value */
  async resolve(reference: string): Promise<string> {
    const value = await this.read(reference);
    this.hide(value);
    return value;
  }

  /** Replaces every known secret in a text. */
  redact(text: string): string {
    let clean = text;
    for (const secret of this.known) if (clean.includes(secret)) clean = clean.replaceAll(secret, HIDDEN);
    return clean;
  }

  private hide(value: string): void {
    if (value.length < SHORTEST) return;
    // as it stands, and as it looks inside JSON, SQL text and URLs
    const inside = JSON.stringify(value).slice(1, -1);
    for (const form of [value, inside, value.replaceAll("'", "''"), encodeURIComponent(value)])
      this.known.add(form);
  }

  private async read(reference: string): Promise<string> {
    const [, kind, name = ''] = /^(env|file):(.+)$/s.exec(reference) ?? [];
    if (kind === 'env') {
      const value = this.environment[name];
      if (value === undefined || value === '')
        throw unresolved(reference, `the worker's environment has no ${name}`);
      return value;
    }
    if (kind === 'file') {
      return (
        await readFile(name, 'utf8').catch((cause: unknown) => {
          throw unresolved(reference, cause instanceof Error ? cause.message : String(cause));
        })
      ).trimEnd();
    }
    throw unresolved(reference, 'it is not env:NAME or file:/path');
  }
}

function unresolved(reference: string, why: string): MillraceError {
  return new MillraceError('SecretUnresolved', {
    what: `the secret ${reference} cannot be read: ${why}`,
    fix: 'Give it to the worker process and start that again',
  });
}
