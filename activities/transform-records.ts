import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '../engines/lake/store.js';
import type { ObjectRef } from '../schemas/common.js';
import type { NodeRecord } from '../schemas/transform.js';

/** The records of a run's nodes lie beside its plan: compiled SQL and times, for artifacts, are no part of a history. */
const folder = (plan: ObjectRef): string => plan.uri.replace(/plan\.json$/, 'records/');

/** A file for each node would cost more than a small node itself. */
const EVERY_MS = 200;
const LARGEST_GROUP = 200;

interface Group {
  lake: ObjectStore;
  plan: ObjectRef;
  records: NodeRecord[];
}

/** Records on their way into the lake, in groups. What a killed worker had not written yet is in the history, too. */
export class Records {
  private readonly groups = new Map<string, Group>();
  private timer: NodeJS.Timeout | undefined;

  /** @param redact takes secrets out of texts */
  constructor(private readonly redact: (text: string) => string) {}

  /** Takes a record; it is in the lake a moment later. */
  add(lake: ObjectStore, plan: ObjectRef, record: NodeRecord): void {
    const group = this.groups.get(plan.uri) ?? { lake, plan, records: [] };
    this.groups.set(plan.uri, group);
    group.records.push(record);
    if (group.records.length >= LARGEST_GROUP) void this.flush(plan).catch(() => undefined);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      for (const { plan: each } of [...this.groups.values()]) void this.flush(each).catch(() => undefined);
    }, EVERY_MS).unref();
  }

  /** Writes what waits of a run. What cannot be written now waits on. */
  async flush(plan: ObjectRef): Promise<void> {
    const group = this.groups.get(plan.uri);
    if (!group) return;
    this.groups.delete(plan.uri);
    const { lake, records } = group;
    try {
      const text = this.redact(JSON.stringify(records));
      await lake.put(`${folder(plan)}${randomUUID()}.json`, Buffer.from(text));
    } catch (error) {
      for (const record of records) this.add(lake, plan, record);
      throw error;
    }
  }
}

/** @returns by node id; of two attempts the later one. What was skipped has none */
export async function readRecords(lake: ObjectStore, plan: ObjectRef): Promise<Map<string, NodeRecord>> {
  const keys = await lake.list(folder(plan));
  const groups = await Promise.all(
    keys.map(async (key) => JSON.parse((await lake.get(key)).toString()) as NodeRecord[]),
  );
  const records = groups.flat().sort((a, b) => (a.executeCompleted < b.executeCompleted ? -1 : 1));
  return new Map(records.map((record) => [record.result.id, record]));
}
