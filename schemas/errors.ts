/**
 * Every error a user can meet has one stable `type`. The table says whether Temporal may try again: a retry cannot
 * mend bad input, a broken contract or a policy violation, so those end the run at once.
 */
export const ERROR_TYPES = {
  // the project and its inputs
  /** `millrace.ts` (or what a command was told) is not what the schema expects; the message names the path */
  ProjectInvalid: { retryable: false },
  /** there is no `millrace.ts` in that folder */
  ProjectNotFound: { retryable: false },
  /** the text is no interval, or its end is not after its start */
  IntervalInvalid: { retryable: false },
  /** the interval has not ended, so its data is not complete */
  IntervalInFuture: { retryable: false },
  /** a reference such as `env:NAME` leads to nothing on the worker */
  SecretUnresolved: { retryable: false },
  // sources and bronze
  /** no file matches the path of the stream for this interval; or the database has no such table */
  SourceMissing: { retryable: false },
  /** the file is empty, or has a header only */
  SourceEmpty: { retryable: false },
  /** the file cannot be opened, or its compressed data is cut off */
  SourceUnreadable: { retryable: false },
  /** an archive unpacks to more than it may; a small file that becomes huge is an attack or a mistake */
  ArchiveTooLarge: { retryable: false },
  /** the file does not look like its format: delimiter, quote or header */
  FormatMismatch: { retryable: false },
  /** the file lacks a declared column */
  ColumnMissing: { retryable: false },
  /** no encoding has that name */
  EncodingUnknown: { retryable: false },
  /** the copybook is not COBOL that describes a record: file, line and column say where */
  CopybookInvalid: { retryable: false },
  /** the file ends in the middle of a record; the byte is named */
  RecordTruncated: { retryable: false },
  /** the length of a record cannot be right, or its bytes are not what the layout says; the byte is named */
  RecordInvalid: { retryable: false },
  /** entries of a journal are missing, come twice or out of order; the file and the numbers are named */
  JournalGap: { retryable: false },
  /** more records are broken than the stream tolerates; nothing of the file was loaded */
  ToleranceExceeded: { retryable: false },
  /** columns are not those that were declared, frozen by the first batch, or trained on */
  SchemaMismatch: { retryable: false },
  /** a file of the lake, a run or a schedule that was named is not there */
  ObjectMissing: { retryable: false },
  /** a file of the lake is not what its record says */
  ObjectCorrupt: { retryable: false },
  /** there is no room; what was there before is intact */
  DiskFull: { retryable: true },
  /** something else committed first, or the same work is under way */
  CommitConflict: { retryable: true },
  /** a run waited for changes of a source, and nothing has moved for ten minutes */
  ReplicationBehind: { retryable: false },
  /** the newest rows of a stream are older than it allows */
  DataStale: { retryable: false },
  // the transform
  /** `dbt_project.yml` or a properties file cannot be read */
  DbtProjectInvalid: { retryable: false },
  /** two nodes have one name */
  DuplicateNode: { retryable: false },
  /** `ref()` or `source()` names what does not exist */
  RefNotFound: { retryable: false },
  /** a model is private to another group, or to another package */
  RefForbidden: { retryable: false },
  /** models read each other in a circle */
  CyclicGraph: { retryable: false },
  /** a template is wrong: file, line and column are named */
  JinjaError: { retryable: false },
  /** the warehouse refused the SQL of a node */
  SqlError: { retryable: false },
  /** a test found rows that it must not find; the model was not published */
  TestFailed: { retryable: false },
  /** the selection is wrong, or selects nothing */
  SelectionInvalid: { retryable: false },
  /** a part of dbt that is not supported yet */
  Unsupported: { retryable: false },
  /** another run has published other rows over the table that this run was to learn from or to score */
  RelationReplaced: { retryable: false },
  /** another process holds the DuckDB file */
  WarehouseBusy: { retryable: false },
  /** the warehouse was closed or lost its connection */
  WarehouseUnavailable: { retryable: true },
  /** the virtual warehouse of Snowflake computes nothing: suspended, dropped, or out of its quota */
  WarehouseSuspended: { retryable: false },
  // predictors
  /** the label has one class only, too many, or values that are no numbers */
  LabelInvalid: { retryable: false },
  /** the id of a predictor is not unique in its relation */
  DuplicateKey: { retryable: false },
  /** too few labelled rows to learn from and to judge by */
  TooFewRows: { retryable: false },
  /** a feature is NaN, infinite, or beyond 32-bit floats */
  NonFiniteFeature: { retryable: false },
  /** scoring met a text that training never saw, and the policy is `fail` */
  UnknownCategory: { retryable: false },
  /** the relation lacks a column that the predictor reads */
  FeatureMissing: { retryable: false },
  /** a column cannot be learned from: its type, or too many distinct texts */
  FeatureInvalid: { retryable: false },
  /** the exported ONNX does not predict what XGBoost does */
  ModelMismatch: { retryable: false },
  /** the answer cannot count: nobody waits for it, or this person may not give it */
  ApprovalRejected: { retryable: false },
  /** no predictor or version has that name */
  PredictorNotFound: { retryable: false },
  /** there is no champion to score with, or none to go back to */
  NoChampion: { retryable: false },
  /** libxgboost cannot be loaded */
  LibraryMissing: { retryable: false },
  // the embedded stack
  /** set-up has not been run for this folder */
  SetupIncomplete: { retryable: false },
  /** the port that was asked for is held; the holder is named */
  PortInUse: { retryable: false },
  /** another process runs the stack of this folder */
  StackRunning: { retryable: false },
  /** the server or a worker did not start; the end of its log is shown */
  StackFailed: { retryable: false },
  // the command line
  /** there is no terminal to ask on; say `--yes` */
  ConfirmationMissing: { retryable: false },
  /** `init` writes into new or empty folders only */
  FolderNotEmpty: { retryable: false },
  // limits of the server
  /** a result is larger than the server takes */
  ResultTooLarge: { retryable: false },
  // anything outside
  /** a server refuses the password, key or credentials, or what they may do */
  AccessDenied: { retryable: false },
  /** a server shows another host key than the project names: it was replaced, or something stands in between */
  HostKeyMismatch: { retryable: false },
  /** there is no bucket of that name */
  BucketMissing: { retryable: false },
  /** a server or store lacks what is needed of it, such as conditional writes */
  ServerUnsuitable: { retryable: false },
  /** a host resolves to a private, loopback or metadata address that the project has not allowed by name */
  AddressForbidden: { retryable: false },
  /** a certificate is expired, for another host, or signed by nobody who is trusted */
  CertificateInvalid: { retryable: false },
  /** an API answers with an error: a status of 4xx, or an error in an answer of status 200 */
  ApiError: { retryable: false },
  /** the pages of an API do not add up: one is repeated, they run in a circle, or they moved while they were read */
  PagesIncomplete: { retryable: false },
  /** the other side asks us to wait */
  RateLimited: { retryable: true },
  /** the database is not set up for logical replication; the message holds the SQL to run */
  ReplicationUnavailable: { retryable: false },
  /** the replication slot was dropped or invalidated, so changes are missing: the tables must be copied again */
  SlotLost: { retryable: false },
  /** a server or a file is not there now, and may be later */
  Unavailable: { retryable: true },
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
  /** the delay that the other side asked for */
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

  /** The same error with a place, unless it names one already. */
  at(where: Position): MillraceError {
    if (Object.keys(this.where).length > 0) return this;
    const { what, fix, cause, retryAfterMs } = this;
    return new MillraceError(this.type, {
      ...{ what, where, cause },
      ...(fix !== undefined && { fix }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
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
