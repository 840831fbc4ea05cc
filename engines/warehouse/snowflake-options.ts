/** How a session proves who it is; secrets are resolved by whoever opens the warehouse. */
export type SnowflakeAuth =
  | { kind: 'password'; password: string; passcode?: string | undefined }
  /** PKCS#8 in PEM, and its passphrase where it is encrypted */
  | { kind: 'key'; privateKey: string; passphrase?: string | undefined }
  | { kind: 'oauth'; token: string }
  /** a programmatic access token */
  | { kind: 'token'; token: string };

export interface SnowflakeOptions {
  /** `organisation-account`, or an account locator with its region */
  account: string;
  user: string;
  auth: SnowflakeAuth;
  database: string;
  schema?: string | undefined;
  /** the virtual warehouse that computes; metadata needs none */
  warehouse?: string | undefined;
  role?: string | undefined;
  /** session parameters, set after the login of each session */
  parameters?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** part of every statement's query tag */
  tag?: Readonly<Record<string, string>> | undefined;
  /** sessions at once */
  connections?: number | undefined;
  /** another address than the account's own: a private link, or a server of tests */
  url?: string | undefined;
}
