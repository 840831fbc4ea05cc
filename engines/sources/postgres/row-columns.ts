import type { Column } from '../../../schemas/column.js';
import type { BronzeSchema } from '../../../schemas/lake.js';
import type { Contract } from '../../../schemas/stream.js';
import type { TextColumn } from './text-values.js';
import { planColumns, variantName } from '../../lake/contract.js';

/** A column as the server sends it. */
export interface IncomingText {
  name: string;
  /** of bronze */
  type: string;
}

/** A column of bronze and the field of the server's CSV that it is made of. */
export interface RowColumn extends TextColumn {
  name: string;
  /** 0-based */
  field: number;
  misfit: Misfit;
  /** where the text of a value that does not fit is kept */
  variant: string;
}
type Misfit = 'reject' | 'discard' | 'variant';

export interface RowColumns {
  /** names and types of the fields of the CSV */
  fields: IncomingText[];
  columns: RowColumn[];
  /** fields that bronze does not take: a row with a value there is rejected, or the value counted */
  leftOut: { field: number; name: string; then: 'reject' | 'discard' }[];
  /** why no row fits */
  rejectAll: string | null;
}

interface PlanInput {
  current: BronzeSchema | undefined;
  incoming: IncomingText[];
  contract: Contract;
  declared: Record<string, Column> | undefined;
  stream: string;
  table: string;
  /** rows may not be set aside: they are changes that a later one builds on */
  keepRows?: boolean;
}

const MISFITS: Record<Contract['types'], Misfit> = {
  ...{ evolve: 'variant', freeze: 'reject', discard_row: 'reject', discard_value: 'discard' },
};

/**
 * Which columns of bronze a table's rows get: those it has, with declared types in place of the server's, as the
 * stream's contract lets them come, go and change. Of declared columns those that are not named are the server's.
 * @throws MillraceError SchemaMismatch
 */
export function planRowColumns(input: PlanInput): RowColumns {
  const { current, incoming, contract, declared = {}, keepRows = false } = input;
  const declarations = new Map(
    Object.entries(declared).map(([name, column]) => {
      const said = typeof column === 'string' ? { type: column } : column;
      return [said.from ?? name, { name, type: said.type, required: said.required ?? false }];
    }),
  );
  const renamed = incoming.map(({ name, type }) => ({ name: declarations.get(name)?.name ?? name, type }));
  const types = current
    ? declared
    : Object.fromEntries(renamed.map(({ name, type }) => [name, typeOf(declared[name]) ?? type]));
  const plan = planColumns({
    ...{ current, contract, incoming: renamed, stream: input.stream, where: { path: input.table } },
    // its types are bronze's own names, lists among them, which a declaration cannot say
    declared: types,
  });
  const fieldOf = new Map(renamed.map(({ name }, field) => [name, field]));
  const columns = plan.columns.flatMap(({ name, type, from, misfit, variantOf }): RowColumn[] => {
    const field = from === null ? undefined : fieldOf.get(from);
    if (field === undefined || variantOf !== undefined) return [];
    const planned = misfit === 'none' ? MISFITS[contract.types] : misfit;
    return [
      {
        ...{ name, type, field, variant: variantName(name) },
        sourceType: incoming[field]?.type ?? type,
        required: !keepRows && (declarations.get(incoming[field]?.name ?? '')?.required ?? false),
        misfit: keepRows && planned === 'reject' ? 'variant' : planned,
      },
    ];
  });
  const leftOut = plan.leftOut.map(({ name, then }) => ({
    ...{ name, field: fieldOf.get(name) ?? 0 },
    then: keepRows ? ('discard' as const) : then,
  }));
  return { fields: incoming, columns, leftOut, rejectAll: keepRows ? null : plan.rejectAll };
}

const typeOf = (column: Column | undefined): string | undefined =>
  typeof column === 'string' ? column : column?.type;

/** The schema of a batch whose rows needed those variant columns. */
export const rowSchema = ({ columns }: RowColumns, variants: ReadonlySet<string>): BronzeSchema =>
  columns.flatMap(({ name, type, variant }) => [
    { name, type },
    ...(variants.has(variant) ? [{ name: variant, type: 'text' }] : []),
  ]);
