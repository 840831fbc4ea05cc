/** Who comes before whom in a graph whose nodes stand after their parents: one bit for each pair. */
export class Ancestry {
  private readonly words: number;
  private readonly bits: Uint32Array;

  /** @param parents of each node, as indices */
  constructor(private readonly parents: readonly (readonly number[])[]) {
    this.words = Math.ceil(parents.length / 32);
    this.bits = new Uint32Array(this.words * parents.length);
    const done = new Set<number>();
    const fill = (node: number): void => {
      if (done.has(node)) return;
      done.add(node);
      const own = node * this.words;
      for (const parent of parents[node] ?? []) {
        fill(parent);
        const theirs = parent * this.words;
        for (let word = 0; word < this.words; word++)
          this.bits[own + word] = (this.bits[own + word] ?? 0) | (this.bits[theirs + word] ?? 0);
        const at = own + (parent >>> 5);
        this.bits[at] = (this.bits[at] ?? 0) | (1 << (parent & 31));
      }
    };
    for (const node of parents.keys()) fill(node);
  }

  /** is `ancestor` somewhere above `node` */
  has(node: number, ancestor: number): boolean {
    return (((this.bits[node * this.words + (ancestor >>> 5)] ?? 0) >>> (ancestor & 31)) & 1) === 1;
  }

  /** The nodes that come after all of `nodes`, without those that come after another of them anyway. */
  firstBelow(nodes: readonly number[]): number[] {
    const below = (node: number): boolean => nodes.every((each) => this.has(node, each));
    return [...this.parents.keys()].filter((node) => below(node) && !this.parents[node]?.some(below));
  }
}
