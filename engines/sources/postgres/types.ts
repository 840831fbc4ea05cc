import type pg from 'pg';
import { duckType } from '../../lake/types.js';

/** A type as the catalog numbers it: of a column, of a relation in the replication stream. */
export interface TypeId {
  oid: number;
  /** precision and the like; -1 for none */
  modifier: number;
}

interface CatalogType {
  oid: number;
  name: string;
  /** `b`ase, `d`omain, `e`num, `c`omposite, `r`ange, … */
  kind: string;
  builtIn: boolean;
  base: number;
  baseModifier: number;
  /** of an array, else 0 */
  element: number;
}

const SCALARS: Record<string, string> = {
  ...{ bool: 'boolean', int2: 'int32', int4: 'int32', int8: 'int64', oid: 'int64' },
  ...{ float4: 'double', float8: 'double', date: 'date', time: 'time', timestamp: 'timestamp' },
  ...{ timestamptz: 'timestamptz', uuid: 'uuid', bytea: 'binary', json: 'json', jsonb: 'json' },
};

/**
 * PostgreSQL's types as types of bronze. Exact always: what has no equal (`numeric` without precision or beyond 38
 * digits, `money`, `interval`, `timetz`, ranges, geometry, enums, composites) is the server's text. A domain is what it
 * is made of; an array of one dimension is a list.
 */
export class Types {
  private readonly known = new Map<number, CatalogType>();

  /** Looks up what is not known yet, and what that is made of. */
  async learn(client: pg.ClientBase, oids: number[]): Promise<void> {
    let asked = [...new Set(oids)].filter((oid) => !this.known.has(oid));
    while (asked.length > 0) {
      const { rows } = await client.query<CatalogType>(
        `SELECT t.oid::int8::text AS oid, t.typname AS name, t.typtype AS kind, n.nspname = 'pg_catalog' AS "builtIn",
           t.typbasetype::int8::text AS base, t.typtypmod AS "baseModifier",
           CASE WHEN t.typcategory = 'A' AND t.typlen = -1 THEN t.typelem::int8 ELSE 0 END::text AS element
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = ANY($1::oid[])`,
        [asked],
      );
      for (const row of rows) {
        const type = { ...row, oid: Number(row.oid), base: Number(row.base), element: Number(row.element) };
        this.known.set(type.oid, type);
      }
      // a type that was dropped since: its values are texts
      for (const oid of asked) if (!this.known.has(oid)) this.known.set(oid, unknownType(oid));
      asked = rows
        .flatMap(({ base, element }) => [Number(base), Number(element)])
        .filter((oid) => oid !== 0 && !this.known.has(oid));
    }
  }

  knows = (oid: number): boolean => this.known.has(oid);

  /** @param id of a type that was learnt */
  bronzeOf({ oid, modifier }: TypeId): string {
    const type = this.known.get(oid);
    if (!type) return 'text';
    if (type.kind === 'd') {
      return this.bronzeOf({ oid: type.base, modifier: modifier === -1 ? type.baseModifier : modifier });
    }
    if (type.element !== 0) {
      const element = this.bronzeOf({ oid: type.element, modifier });
      return element.endsWith('[]') ? 'text' : `${duckType(element)}[]`;
    }
    if (!type.builtIn) return 'text';
    return type.name === 'numeric' ? decimalOf(modifier) : (SCALARS[type.name] ?? 'text');
  }
}

const unknownType = (oid: number): CatalogType => ({
  ...{ oid, name: 'unknown', kind: 'b', builtIn: false, base: 0, baseModifier: -1, element: 0 },
});

/** The modifier holds precision and scale behind a header of 4; the scale has 11 bits and a sign. */
function decimalOf(modifier: number): string {
  if (modifier < 4) return 'text';
  const precision = ((modifier - 4) >> 16) & 0xffff;
  const scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
  return precision <= 38 && scale >= 0 && scale <= precision ? `decimal(${precision},${scale})` : 'text';
}
