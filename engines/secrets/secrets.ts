import { readFile } from 'node:fs/promises';
import { MillraceError } from '../../schemas/errors.js';

/** Shorter values are not hidden: they would blank out ordinary words and numbers everywhere. */
const SHORTEST = 6;
const HIDDEN = '[secret]';
/** A warehouse shows the place of an error as `…piece of the SQL…`: what is left of a secret at such an edge. */
const SHORTEST_FRAGMENT = 4;
/** Secrets that the process itself is given, before anything has asked for them. */
const OWN = /^TEMPORAL_(API_KEY|TLS_CLIENT_KEY_DATA|GRPC_META_.+)$/;

/**
 * Resolves references to secrets (`env:NAME`, `file:/path`), and knows every value it has given out, so that none of
 * them leaves the process in an error, a log or a heartbeat.
 */
export class Secrets {
  /** longest first: one may hold another */
  private known: string[] = [];

  constructor(private readonly environment: NodeJS.ProcessEnv = process.env) {
    for (const [name, value] of Object.entries(environment)) if (OWN.test(name) && value) this.hide(value);
  }

  /** @throws MillraceError SecretUnresolved naming the reference, never a value */
  async resolve(reference: string): Promise<string> {
    const value = await this.read(reference);
    this.hide(value);
    return value;
  }

  /** Replaces every known secret in a text, and what is left of one at the edge of an ellipsis. */
  redact(text: string): string {
    let clean = text;
    for (const secret of this.known) if (clean.includes(secret)) clean = clean.replaceAll(secret, HIDDEN);
    return this.known.length === 0 ? clean : this.trimEdges(clean);
  }

  /** Looks at both sides of each ellipsis. */
  private trimEdges(text: string): string {
    let clean = '';
    let from = 0;
    for (const { 0: dots, index } of text.matchAll(/\.\.\.|…/g)) {
      const end = index + dots.length;
      const head = longest(index - from, (n) => this.isPiece(text.slice(index - n, index)));
      const tail = longest(text.length - end, (n) => this.isPiece(text.slice(end, end + n)));
      clean += text.slice(from, index - head) + (head ? HIDDEN : '') + dots + (tail ? HIDDEN : '');
      from = end + tail;
    }
    return clean + text.slice(from);
  }

  private isPiece(text: string): boolean {
    return this.known.some((secret) => secret.includes(text));
  }

  private hide(value: string): void {
    if (value.length < SHORTEST) return;
    // as it stands, and as it looks inside SQL text and URLs; each of them inside JSON, too
    const plain = [value, value.replaceAll("'", "''"), encodeURIComponent(value)];
    const forms = plain.flatMap((form) => [form, JSON.stringify(form).slice(1, -1)]);
    this.known = [...new Set([...this.known, ...forms])].sort((a, b) => b.length - a.length);
  }

  private async read(reference: string): Promise<string> {
    const [, kind, name = ''] = /^(env|file):(.+)$/s.exec(reference) ?? [];
    if (kind === 'env') {
      const value = this.environment[name];
      if (value === undefined || value === '')
        throw unresolved(reference, `this process's environment has no ${name}`);
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

/** The greatest length for which it holds, which is so for all shorter ones; 0 when that is too short to matter. */
function longest(most: number, holds: (length: number) => boolean): number {
  let length = SHORTEST_FRAGMENT;
  if (most < length || !holds(length)) return 0;
  while (length < most && holds(length + 1)) length++;
  return length;
}

function unresolved(reference: string, why: string): MillraceError {
  return new MillraceError('SecretUnresolved', {
    what: `the secret ${reference} cannot be read: ${why}`,
    fix: 'Give it to the process that needs it, a worker or this command, and start that again',
  });
}
