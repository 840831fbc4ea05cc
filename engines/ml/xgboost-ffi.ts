import koffi from 'koffi';
import { MillraceError } from '../../schemas/errors.js';
import { xgboostLibrary } from './xgboost-library.js';

/** Opaque pointer of the C API. */
type Handle = unknown;
type Out<T> = [T | null];
type Call = (...args: unknown[]) => number;

/** Rows of features, row after row; NaN is a missing value. */
export interface Matrix {
  values: Float32Array;
  rows: number;
  columns: number;
}

const SIGNATURES = {
  denseMatrix: 'int XGDMatrixCreateFromDense(const char* data, const char* config, _Out_ void** out)',
  setInfo: 'int XGDMatrixSetInfoFromInterface(void* matrix, const char* field, const char* data)',
  freeMatrix: 'int XGDMatrixFree(void* matrix)',
  create: 'int XGBoosterCreate(void** matrices, uint64_t length, _Out_ void** out)',
  free: 'int XGBoosterFree(void* booster)',
  setParam: 'int XGBoosterSetParam(void* booster, const char* name, const char* value)',
  update: 'int XGBoosterUpdateOneIter(void* booster, int round, void* train)',
  evaluate:
    'int XGBoosterEvalOneIter(void* booster, int round, void** matrices, const char** names, uint64_t length, _Out_ const char** out)',
  predict:
    'int XGBoosterPredictFromDMatrix(void* booster, void* matrix, const char* config, _Out_ void** shape, _Out_ uint64_t* dim, _Out_ void** result)',
  slice: 'int XGBoosterSlice(void* booster, int begin, int end, int step, _Out_ void** out)',
  save: 'int XGBoosterSaveModelToBuffer(void* booster, const char* config, _Out_ uint64_t* length, _Out_ void** out)',
  load: 'int XGBoosterLoadModelFromBuffer(void* booster, const void* bytes, uint64_t length)',
  score:
    'int XGBoosterFeatureScore(void* booster, const char* config, _Out_ uint64_t* names, _Out_ void** features, _Out_ uint64_t* dim, _Out_ void** shape, _Out_ void** scores)',
} as const;
type Api = Record<keyof typeof SIGNATURES, Call>;

let bound: { api: Api; lastError: () => string } | undefined;

function bind(): { api: Api; lastError: () => string } {
  if (bound) return bound;
  const library = xgboostLibrary();
  const entries = Object.entries(SIGNATURES).map(([name, signature]) => [name, library.func(signature)]);
  bound = {
    api: Object.fromEntries(entries) as Api,
    lastError: library.func('const char* XGBGetLastError()') as () => string,
  };
  return bound;
}

function call(name: keyof Api, ...args: unknown[]): void {
  const { api, lastError } = bind();
  if (api[name](...args) === 0) return;
  const [message = ''] = lastError().split('\nStack trace');
  throw new MillraceError('ModelMismatch', {
    what: `XGBoost refused ${name}: ${message.replace(/^\[[\d:]+\] /, '').trim()}`,
    fix: 'The model or the data are not what this version of XGBoost expects',
  });
}

/**
 * An array by its address, as NumPy's array interface writes it. JSON because the C API wants it; by hand, because
 * a pointer beyond 2^53 must keep all its digits.
 */
function arrayInterface(values: Float32Array, shape: number[]): string {
  const address = koffi.address(values);
  return `{"data":[${address},true],"shape":[${shape.join(',')}],"strides":null,"typestr":"<f4","version":3}`;
}

/** Training or prediction rows inside XGBoost; it copies them, so the arrays are free afterwards. */
export class DMatrix {
  readonly handle: Handle;
  readonly rows: number;

  constructor({ values, rows, columns }: Matrix, labels?: Float32Array, weights?: Float32Array, threads = 0) {
    this.rows = rows;
    const out: Out<Handle> = [null];
    // JSON.stringify would turn NaN into null
    call('denseMatrix', arrayInterface(values, [rows, columns]), `{"missing":NaN,"nthread":${threads}}`, out);
    this.handle = out[0];
    try {
      if (labels) call('setInfo', this.handle, 'label', arrayInterface(labels, [rows]));
      if (weights) call('setInfo', this.handle, 'weight', arrayInterface(weights, [rows]));
    } catch (error) {
      this.free();
      throw error;
    }
  }

  free(): void {
    call('freeMatrix', this.handle);
  }
}

/** A booster of the C API. Whoever makes one frees it. */
export class Booster {
  private constructor(private readonly handle: Handle) {}

  static create(matrices: DMatrix[], params: Record<string, string | number>): Booster {
    const out: Out<Handle> = [null];
    call('create', matrices.length ? matrices.map(({ handle }) => handle) : null, matrices.length, out);
    const booster = new Booster(out[0]);
    try {
      for (const [name, value] of Object.entries(params)) {
        call('setParam', booster.handle, name, String(value));
      }
    } catch (error) {
      booster.free();
      throw error;
    }
    return booster;
  }

  static load(bytes: Uint8Array, threads = 0): Booster {
    const booster = Booster.create([], { nthread: threads, verbosity: 0 });
    try {
      call('load', booster.handle, bytes, bytes.byteLength);
    } catch (error) {
      booster.free();
      throw error;
    }
    return booster;
  }

  update(round: number, train: DMatrix): void {
    call('update', this.handle, round, train.handle);
  }

  /** @returns the evaluation metric on `matrix` after this round */
  evaluate(round: number, matrix: DMatrix): number {
    const out: Out<string> = [null];
    call('evaluate', this.handle, round, [matrix.handle], ['validation'], 1, out);
    return Number(out[0]?.slice(out[0].lastIndexOf(':') + 1));
  }

  /** @returns one value a row (probability or target), or `classes` values a row for a multiclass booster */
  predict(matrix: DMatrix): Float32Array {
    const shape: Out<unknown> = [null];
    const dim: Out<bigint | number> = [null];
    const result: Out<unknown> = [null];
    const config =
      '{"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"cache_id":0}';
    call('predict', this.handle, matrix.handle, config, shape, dim, result);
    const sizes = koffi.decode(shape[0], 'uint64_t', Number(dim[0])) as (number | bigint)[];
    const length = Array.from(sizes, Number).reduce((product, size) => product * size, 1);
    // the result lives in the booster until its next prediction
    return new Float32Array(koffi.view(result[0], length * 4)).slice();
  }

  /** @returns a booster of the first `rounds` rounds */
  first(rounds: number): Booster {
    const out: Out<Handle> = [null];
    call('slice', this.handle, 0, rounds, 1, out);
    return new Booster(out[0]);
  }

  /** @param format `ubj` (compact) or `json` */
  save(format: 'ubj' | 'json'): Buffer {
    const length: Out<bigint | number> = [null];
    const out: Out<unknown> = [null];
    call('save', this.handle, `{"format":"${format}"}`, length, out);
    // likewise borrowed from the booster
    return Buffer.from(new Uint8Array(koffi.view(out[0], Number(length[0]))));
  }

  /** @returns average loss reduction of the splits of each feature, by its index; features without a split are absent */
  gain(): Map<number, number> {
    const [names, features, dim, shape, scores]: Out<unknown>[] = [[null], [null], [null], [null], [null]];
    call('score', this.handle, '{"importance_type":"gain"}', names, features, dim, shape, scores);
    const count = Number(names?.[0]);
    if (count === 0) return new Map();
    const indexes = koffi.decode(features?.[0], 'const char*', count) as string[];
    const gains = koffi.decode(scores?.[0], 'float', count) as number[] | Float32Array;
    return new Map(indexes.map((name, at) => [Number(name.slice(1)), gains[at] ?? 0]));
  }

  free(): void {
    call('free', this.handle);
  }
}
