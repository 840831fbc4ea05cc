import { MillraceError } from '../../schemas/errors.js';
import { Artifact } from '../../schemas/train.js';
import { sha256, stableJson } from '../lake/content.js';
import type { ObjectStore } from '../lake/store.js';

const folder = (predictor: string, hash: string): string => `predictors/${predictor}/artifacts/${hash}`;
export const artifactKey = (predictor: string, hash: string): string =>
  `${folder(predictor, hash)}/predictor.json`;

/** @returns the canonical bytes of `predictor.json`; their SHA-256 is the artifact's hash */
export const artifactBytes = (artifact: Artifact): Buffer => Buffer.from(stableJson(artifact));

/**
 * Writes an artifact under the hash of its content; writing it again changes nothing.
 * @returns the hash
 */
export async function writeArtifact(
  store: ObjectStore,
  predictor: string,
  artifact: Artifact,
  models: { onnx: Uint8Array; ubj: Uint8Array },
): Promise<string> {
  const bytes = artifactBytes(artifact);
  const hash = sha256(bytes);
  await store.put(`${folder(predictor, hash)}/model.onnx`, models.onnx);
  await store.put(`${folder(predictor, hash)}/model.ubj`, models.ubj);
  // last, so that whoever finds it finds the models
  await store.put(artifactKey(predictor, hash), bytes);
  return hash;
}

/** @throws MillraceError PredictorNotFound, ObjectCorrupt when its content is not what the hash says */
export async function readArtifact(store: ObjectStore, predictor: string, hash: string): Promise<Artifact> {
  const key = artifactKey(predictor, hash);
  const bytes = await get(store, key, predictor, hash);
  refuseOther(sha256(bytes), hash, store, key);
  return Artifact.parse(JSON.parse(bytes.toString('utf8')));
}

/** @throws MillraceError PredictorNotFound, ObjectCorrupt */
export async function readOnnx(
  store: ObjectStore,
  predictor: string,
  hash: string,
  artifact: Artifact,
): Promise<Buffer> {
  const key = `${folder(predictor, hash)}/model.onnx`;
  const bytes = await get(store, key, predictor, hash);
  refuseOther(sha256(bytes), artifact.files.onnx, store, key);
  return bytes;
}

async function get(store: ObjectStore, key: string, predictor: string, hash: string): Promise<Buffer> {
  try {
    return await store.get(key);
  } catch (cause) {
    if (!(cause instanceof MillraceError) || cause.type !== 'ObjectMissing') throw cause;
    throw new MillraceError('PredictorNotFound', {
      what: `predictor ${predictor} has no artifact ${hash}`,
      where: { file: `${store.uri}/${key}` },
      fix: 'Restore the object from a backup, or train the predictor again',
      cause,
    });
  }
}

function refuseOther(found: string, expected: string, store: ObjectStore, key: string): void {
  if (found === expected) return;
  throw new MillraceError('ObjectCorrupt', {
    what: `${key} has the SHA-256 ${found}, not ${expected}`,
    where: { file: `${store.uri}/${key}` },
    fix: 'It was changed after it was approved and is not served; restore it from a backup, or promote another version',
  });
}
