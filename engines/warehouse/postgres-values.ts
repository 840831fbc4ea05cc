import type { CustomTypesConfig } from 'pg';

/** PostgreSQL's own numbers of its types. */
const OID = {
  ...{ bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, oid: 26, float4: 700, float8: 701 },
  ...{ timestamp: 1114, timestamptz: 1184 },
} as const;

const PARSERS: Record<number, (text: string) => unknown> = {
  [OID.bool]: (text) => text === 't',
  [OID.bytea]: (text) => text.replace(/^\\x/, ''),
  [OID.int8]: (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : text),
  [OID.int2]: Number,
  [OID.int4]: Number,
  [OID.oid]: Number,
  [OID.float4]: Number,
  [OID.float8]: Number,
  [OID.timestamp]: (text) => text.replace(' ', 'T'),
  // the session's zone is UTC
  [OID.timestamptz]: (text) => text.replace(' ', 'T').replace(/\+00$/, 'Z'),
};

/** The values that the port promises; whatever is not named stays the text that PostgreSQL writes. */
export const plainValues: CustomTypesConfig = {
  getTypeParser: ((oid: number) =>
    PARSERS[oid] ?? ((text: string) => text)) as CustomTypesConfig['getTypeParser'],
};
