export interface WalkOptions {
  /** what a former walk of this graph came to; what is undefined has not run */
  outcomes?: readonly (boolean | undefined)[];
  /** `false` starts nothing more: what is under way ends */
  more?: () => boolean;
}

/**
 * Walks a graph: a node begins the moment its parents have succeeded, at most `width` at once. A node that fails
 * takes only its descendants with it. An exception (a cancellation) starts nothing more and is thrown at the end.
 *
 * @param parents for each node the indices it waits for
 * @param work runs one node; `false` means that nothing below it may run
 * @returns for each node whether it succeeded; undefined for those that did not run
 */
export async function walk(
  parents: number[][],
  width: number,
  work: (node: number) => Promise<boolean>,
  { outcomes: former = [], more = () => true }: WalkOptions = {},
): Promise<(boolean | undefined)[]> {
  const outcomes = parents.map((_, node) => former[node]);
  const children: number[][] = parents.map(() => []);
  const open = parents.map((of, node) => {
    for (const parent of of) children[parent]?.push(node);
    return of.filter((parent) => outcomes[parent] !== true).length;
  });
  const ready = open.flatMap((count, node) => (count === 0 && outcomes[node] === undefined ? [node] : []));
  let failure: { error: unknown } | undefined;

  const release = (node: number): void => {
    for (const child of children[node] ?? []) {
      const left = (open[child] ?? 0) - 1;
      open[child] = left;
      if (left === 0) ready.push(child);
    }
  };
  await new Promise<void>((resolve) => {
    let running = 0;
    const next = (): void => {
      while (!failure && running < width && more()) {
        const node = ready.shift();
        if (node === undefined) break;
        running++;
        void work(node)
          .then((succeeded) => {
            outcomes[node] = succeeded;
            if (succeeded) release(node);
          })
          .catch((error: unknown) => (failure ??= { error }))
          .finally(() => {
            running--;
            next();
          });
      }
      if (running === 0) resolve();
    };
    next();
  });
  if (failure) throw failure.error;
  return outcomes;
}
