import { OnnxModel } from '../engines/ml/onnx-model.js';

export interface FloorTask {
  onnx: Uint8Array;
  rows: number;
  features: number;
}

const SLICE = 4_096;

/** Runs in a thread: the model alone, over rows of random numbers in [0, 1) that are made before the first call. */
export async function floorInThread({ onnx, rows, features }: FloorTask): Promise<void> {
  const model = await OnnxModel.load(onnx, 1);
  // the same rows again and again would be learned by the processor, so a large share of them is made
  const made = Math.min(rows, 16 * SLICE);
  const values = new Float32Array(made * features);
  for (let at = 0; at < values.length; at++) values[at] = Math.random();
  for (let done = 0; done < rows; done += SLICE) {
    const from = (done % made) * features;
    const size = Math.min(SLICE, rows - done, made - (done % made));
    await model.predict({
      values: values.subarray(from, from + size * features),
      rows: size,
      columns: features,
    });
  }
  await model.close();
}
