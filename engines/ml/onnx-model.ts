import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Matrix } from './xgboost-ffi.js';

// Here and not with the exporter, whose libraries a scoring thread would load for nothing.
/** Input `features` [n, features] float32, NaN for missing; output `scores`, [n] or [n, classes]. */
export const ONNX_INPUT = 'features';
export const ONNX_OUTPUT = 'scores';

/** A loaded ONNX predictor. Inference runs on the runtime's own threads. */
export class OnnxModel {
  private constructor(private readonly session: InferenceSession) {}

  static async load(bytes: Uint8Array, threads: number): Promise<OnnxModel> {
    return new OnnxModel(
      await InferenceSession.create(bytes, {
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        // between batches the cores belong to those who read and write them
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      }),
    );
  }

  /** @returns one score a row, or one a class and row */
  async predict({ values, rows, columns }: Matrix): Promise<Float32Array> {
    if (rows === 0) return new Float32Array();
    const results = await this.session.run({ [ONNX_INPUT]: new Tensor('float32', values, [rows, columns]) });
    return results[ONNX_OUTPUT]?.data as Float32Array;
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}
