/**
 * Runs `work` for every index below `count`, at most `width` at once: a sliding window, so that a history never holds
 * thousands of pending activities. The first failure stops new starts and is thrown once the running ones have ended.
 */
export async function slidingWindow<T>(
  count: number,
  width: number,
  work: (index: number) => Promise<T>,
  from = 0,
  mayStart: (next: number) => boolean = () => true,
): Promise<{ results: T[]; next: number }> {
  const results: T[] = [];
  let next = from;
  let failure: { error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    while (next < count && !failure && mayStart(next)) {
      const index = next++;
      try {
        results[index - from] = await work(index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count - from) }, lane));
  if (failure) throw failure.error;
  return { results, next };
}
