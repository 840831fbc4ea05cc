/** Numbers the segments of a file: `Seg_Id0` for each root, `Seg_Id1` and on for what stands below it. */
export class SegmentIds {
  private readonly counters: number[];
  private current = -1;
  private root = '';

  /** @param levels segment ids of each level, root first; `_` or `*` stands for all that no level names */
  constructor(
    private readonly levels: string[][],
    private readonly prefix: string,
    private readonly fileId: number,
  ) {
    this.counters = levels.map(() => 0);
  }

  /** @returns the ids of a record, null for levels below its own; all null before the first root */
  next(segmentId: string, recordIndex: number): (string | null)[] {
    const level = this.levelOf(segmentId);
    if (level === 0) {
      this.root = `${this.prefix}_${this.fileId}_${recordIndex}`;
      this.counters.fill(0);
    } else if (level > 0) this.counters[level] = (this.counters[level] ?? 0) + 1;
    if (level >= 0) this.current = level;
    return this.levels.map((_, at) => {
      if (at > this.current) return null;
      return at === 0 ? this.root : `${this.root}_L${at}_${this.counters[at]}`;
    });
  }

  private levelOf(segmentId: string): number {
    const named = this.levels.findIndex((ids) => ids.includes(segmentId));
    return named >= 0 ? named : this.levels.findIndex((ids) => ids.includes('_') || ids.includes('*'));
  }
}
