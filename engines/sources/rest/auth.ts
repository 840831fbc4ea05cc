import { MillraceError } from '../../../schemas/errors.js';
import type { RestAuth } from '../../../schemas/rest.js';
import type { HttpAnswer, HttpClient } from '../../http/client.js';
import { shownUrl } from '../../http/failure.js';
import { isObject } from './json.js';

/** A token is renewed so long before its end, or at half its life when that is shorter. */
const MARGIN_MS = 60_000;

interface AuthDeps {
  client: HttpClient;
  secret: (reference: string) => Promise<string>;
}

/** Proves to an API who asks; and knows every secret that it has sent, so that an answer which repeats one can be shown. */
export class Credentials {
  private readonly hidden = new Set<string>();
  private token: { value: string; until: number } | undefined;

  constructor(
    private readonly auth: RestAuth | undefined,
    private readonly deps: AuthDeps,
  ) {}

  /** Adds what the API wants to see, to the address or to the headers. @throws MillraceError AccessDenied, SecretUnresolved, Unavailable */
  async sign(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<void> {
    const { auth } = this;
    if (!auth) return;
    switch (auth.kind) {
      case 'apiKey': {
        const key = await this.secret(auth.key);
        if (auth.in === 'query') url.searchParams.set(auth.name, key);
        else headers[auth.name.toLowerCase()] = key;
        return;
      }
      case 'bearer':
        headers['authorization'] = `Bearer ${await this.secret(auth.token)}`;
        return;
      case 'basic':
        headers['authorization'] = this.basic(await this.secret(auth.user), await this.secret(auth.password));
        return;
      case 'oauth2':
        headers['authorization'] = `Bearer ${await this.accessToken(auth, signal)}`;
        return;
    }
  }

  /** After a 401. @returns whether the next attempt will have another token */
  renew(): boolean {
    const had = this.token !== undefined;
    this.token = undefined;
    return had;
  }

  /** The text without any secret that was sent. */
  redact(text: string): string {
    let clean = text;
    for (const value of [...this.hidden].sort((a, b) => b.length - a.length))
      clean = clean.replaceAll(value, '[secret]');
    return clean;
  }

  private async accessToken(
    auth: Extract<RestAuth, { kind: 'oauth2' }>,
    signal: AbortSignal,
  ): Promise<string> {
    if (this.token && Date.now() < this.token.until) return this.token.value;
    const [id, secret] = [await this.secret(auth.clientId), await this.secret(auth.clientSecret)];
    const url = new URL(auth.tokenUrl);
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (auth.scope !== undefined) form.set('scope', auth.scope);
    if (auth.audience !== undefined) form.set('audience', auth.audience);
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    if (auth.credentialsIn === 'body') {
      form.set('client_id', id);
      form.set('client_secret', secret);
    } else {
      // RFC 6749, 2.3.1: both are form-encoded first
      headers['authorization'] = this.basic(formEncoded(id), formEncoded(secret));
    }
    const answer = await this.deps.client.request({
      ...{ method: 'POST', url, headers, body: form.toString(), signal, redirects: 0 },
    });
    const { value, expiresIn } = this.readToken(answer);
    const life = expiresIn * 1000;
    this.token = { value: this.hide(value), until: Date.now() + life - Math.min(MARGIN_MS, life / 2) };
    return value;
  }

  private readToken(answer: HttpAnswer): { value: string; expiresIn: number } {
    const text = answer.body.toString();
    const where = { file: shownUrl(answer.url) };
    const start = this.redact(text.slice(0, 2_000)).slice(0, 200);
    if (answer.status >= 500 || answer.status === 429) {
      throw new MillraceError('Unavailable', {
        what: `The token endpoint answers ${answer.status}: ${start}`,
        where,
      });
    }
    if (answer.status >= 400) {
      throw new MillraceError('AccessDenied', {
        what: `The token endpoint answers ${answer.status}: ${start}`,
        where,
        fix: 'Check clientId, clientSecret, scope and audience, and whether the secret has expired',
      });
    }
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = undefined;
    }
    if (answer.status === 200 && isObject(body) && typeof body['access_token'] === 'string') {
      const expiresIn = Number(body['expires_in'] ?? 300);
      return { value: body['access_token'], expiresIn: expiresIn > 0 ? expiresIn : 300 };
    }
    // nothing of the answer is shown: it may hold a token under another name
    throw new MillraceError('FormatMismatch', {
      what: `The token endpoint answers ${answer.status} without an access_token`,
      where,
      fix: 'Check tokenUrl',
    });
  }

  private async secret(reference: string): Promise<string> {
    return this.hide(await this.deps.secret(reference));
  }

  private basic(user: string, password: string): string {
    return `Basic ${this.hide(Buffer.from(`${user}:${password}`).toString('base64'))}`;
  }

  private hide(value: string): string {
    // shorter ones would blank out ordinary words
    if (value.length >= 4) {
      const once = escaped(value);
      // as it stands, in addresses, in forms, in JSON, and in JSON that an answer quotes
      const forms = [value, encodeURIComponent(value), formEncoded(value), once, escaped(once)];
      for (const form of forms) this.hidden.add(form);
    }
    return value;
  }
}

const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);
const formEncoded = (text: string): string => new URLSearchParams({ _: text }).toString().slice(2);
