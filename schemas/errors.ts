/**
 * Every error a user can meet has one stable `type`. The table says whether Temporal may try again: a retry cannot
 * mend bad input, a broken contract or a policy violation, so those end the run at once.
 */
export const ERROR_TYPES = {
  // the project and its inputs
  ProjectInvalid: { retryable: false },
  ProjectNotFound: { retryable: false },
  IntervalInvalid: { retryable: false },
  IntervalInFuture: { retryable: false },
  SecretUnresolved: { retryable: false },
  // sources and bronze
  SourceMissing: { retryable: false },
  SourceEmpty: { retryable: false },
  SourceUnreadable: { retryable: false },
  FormatMismatch: { retryable: false },
  ColumnMissing: { retryable: false },
  EncodingUnknown: { retryable: false },
  ToleranceExceeded: { retryable: false },
  SchemaMismatch: { retryable: false },
  ObjectMissing: { retryable: false },
  ObjectCorrupt: { retryable: false },
  DiskFull: { retryable: true },
  CommitConflict: { retryable: true },
  // the transform
  DbtProjectInvalid: { retryable: false },
  DuplicateNode: { retryable: false },
  RefNotFound: { retryable: false },
  CyclicGraph: { retryable: false },
  JinjaError: { retryable: false },
  SqlError: { retryable: false },
  TestFailed: { retryable: false },
  SelectionInvalid: { retryable: false },
  Unsupported: { retryable: false },
  RelationReplaced: { retryable: false },
  WarehouseBusy: { retryable: false },
  WarehouseUnavailable: { retryable: true },
  // predictors
  LabelInvalid: { retryable: false },
  DuplicateKey: { retryable: false },
  TooFewRows: { retryable: false },
  NonFiniteFeature: { retryable: false },
  UnknownCategory: { retryable: false },
  FeatureMissing: { retryable: false },
  FeatureInvalid: { retryable: false },
  ModelMismatch: { retryable: false },
  GateRejected: { retryable: false },
  ApprovalRejected: { retryable: false },
  PredictorNotFound: { retryable: false },
  NoChampion: { retryable: false },
  LibraryMissing: { retryable: false },
  // the embedded stack
  SetupIncomplete: { retryable: false },
  PortInUse: { retryable: false },
  StackRunning: { retryable: false },
  StackFailed: { retryable: false },
  // the command line
  ConfirmationMissing: { retryable: false },
  FolderNotEmpty: { retryable: false },
  // anything outside
  Unavailable: { retryable: true },
  RateLimited: { retryable: true },
} as const;
export type ErrorType = keyof typeof ERROR_TYPES;

export interface Position {
  file?: string;
  line?: number;
  column?: number;
  /** 1-based record number in a data file */
  row?: number;
  /** 0-based byte offset in a data file */
  byte?: number;
  /** path inside a document, e.g. `sources.crm.streams.customers.path` */
  path?: string;
}

export interface ErrorBody {
  /** what is wrong, in one sentence, with the offending value */
  what: string;
  where?: Position;
  /** what the reader should do next */
  fix?: string;
  cause?: unknown;
  /** for RateLimited: the delay the server asked for */
  retryAfterMs?: number;
}

/** The one error engines throw. `message` reads "what, where; fix", so it is complete wherever only a message survives. */
export class MillraceError extends Error {
  readonly what: string;
  readonly where: Position;
  readonly fix: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly type: ErrorType,
    body: ErrorBody,
  ) {
    super(describe(body), { cause: body.cause });
    this.name = type;
    this.what = body.what;
    this.where = body.where ?? {};
    this.fix = body.fix;
    this.retryAfterMs = body.retryAfterMs;
  }

  get retryable(): boolean {
    return ERROR_TYPES[this.type].retryable;
  }
}

/** `file:line:column` and what else is known, the way editors and terminals link it. */
export function formatPosition(where: Position): string {
  const head = [where.file, where.line, where.column].filter((part) => part !== undefined).join(':');
  const rest = [
    where.path !== undefined && `at ${where.path}`,
    where.row !== undefined && `record ${where.row}`,
    where.byte !== undefined && `byte ${where.byte}`,
  ].filter(Boolean);
  return [head, ...rest].filter(Boolean).join(', ');
}

function describe({ what, where, fix }: ErrorBody): string {
  const at = where ? formatPosition(where) : '';
  return `${what}${at ? ` (${at})` : ''}${fix ? `. ${fix}` : ''}`;
}
