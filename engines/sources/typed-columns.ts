import type { BronzeSchema } from '../../schemas/lake.js';
import type { Position } from '../../schemas/errors.js';
import type { Stream } from '../../schemas/source.js';
import { planColumns, type PlannedColumn } from '../lake/contract.js';

/** A column as it comes in a file. */
export interface FileColumn {
  /** in bronze, unless the stream writes it with other capitals */
  name: string;
  /** absent while it is to be found, or where texts are cast to what the stream has */
  type?: string | undefined;
  /** what it is called in the file, when that is not its name */
  from?: string | undefined;
  /** 0-based field in the staged record */
  field: number;
  formats?: string[] | undefined;
  required?: boolean | undefined;
  /** holds what came where an object was expected whose members are columns */
  stray?: boolean | undefined;
}

/** One column of bronze and where it comes from. */
export interface TypedColumn {
  name: string;
  /** a bronze type; nested ones as DuckDB writes them: `STRUCT(a BIGINT)`, `VARCHAR[]` */
  type: string;
  /** what it is called in the file; null where the file has none */
  from: string | null;
  /** 0-based field in the staged record; null where the file has none */
  field: number | null;
  formats?: string[] | undefined;
  required?: boolean | undefined;
  /** what becomes of a value that does not fit */
  misfit: PlannedColumn['misfit'];
  /** holds as text what did not fit that column */
  variantOf?: string | undefined;
}

/** How staged records become rows of bronze. */
export interface Casting {
  columns: TypedColumn[];
  /** fields that bronze does not take */
  leftOut: { name: string; field: number; then: 'reject' | 'discard'; stray?: true }[];
  rejectAll: string | null;
}

export const schemaOf = ({ columns }: Casting): BronzeSchema =>
  columns.map(({ name, type }) => ({ name, type }));

/** Structs, lists and maps, which bronze names as DuckDB does. */
export const isNested = (type: string): boolean => /^(STRUCT|MAP)\(|\]$/.test(type);

/** What decides about a file's columns beside the file. */
export interface ShapeInput {
  spec: Pick<Stream, 'columns' | 'contract'>;
  frozen: BronzeSchema | undefined;
  /** for messages: `source.stream` */
  stream: string;
}

/**
 * Holds the columns of a file against the stream's.
 * @param sparse records need not have every column
 * @throws MillraceError SchemaMismatch
 */
export function planCasting(
  file: readonly FileColumn[],
  { spec, frozen, stream }: ShapeInput,
  where: Position,
  sparse = false,
): Casting {
  const plan = planColumns({
    ...{ current: frozen, incoming: [...file], contract: spec.contract, declared: spec.columns },
    ...{ sparse, stream, where },
  });
  const byName = new Map(file.map((column) => [column.name, column]));
  const requires = new Set(
    Object.entries(spec.columns ?? {}).flatMap(([name, column]) =>
      typeof column !== 'string' && column.required ? [name.toLowerCase()] : [],
    ),
  );
  return {
    columns: plan.columns.map(({ name, type, from, misfit, variantOf }) => {
      const found = from === null ? undefined : byName.get(from);
      const { field = null, formats, required = requires.has(name.toLowerCase()) } = found ?? {};
      return { name, type, from: found?.from ?? from, field, formats, required, misfit, variantOf };
    }),
    leftOut: plan.leftOut.map((column) => ({ ...column, field: byName.get(column.name)?.field ?? 0 })),
    rejectAll: plan.rejectAll,
  };
}
