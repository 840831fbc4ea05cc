import { sha256 } from '../engines/lake/content.js';
import type { ObjectStore } from '../engines/lake/store.js';
import type { ObjectRef } from '../schemas/common.js';
import type { NodeRecord } from '../schemas/transform.js';

/** The records of a run's nodes lie beside its plan: compiled SQL and times, for artifacts, are no part of a history. */
const folder = (plan: ObjectRef): string => plan.uri.replace(/plan\.json$/, 'records/');

/**
 * A second attempt replaces the first one's record.
 *
 * @param redact takes secrets out of texts
 */
export function writeRecord(
  lake: ObjectStore,
  plan: ObjectRef,
  record: NodeRecord,
  redact: (text: string) => string,
): Promise<void> {
  const key = `${folder(plan)}${sha256(record.result.id).slice(0, 24)}.json`;
  return lake.put(key, Buffer.from(redact(JSON.stringify(record))));
}

/** @returns by node id; what was skipped has none */
export async function readRecords(lake: ObjectStore, plan: ObjectRef): Promise<Map<string, NodeRecord>> {
  const keys = await lake.list(folder(plan));
  const records = await Promise.all(
    keys.map(async (key) => JSON.parse((await lake.get(key)).toString()) as NodeRecord),
  );
  return new Map(records.map((record) => [record.result.id, record]));
}
