import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { walk } from '../../workflows/graph.js';
import { slidingWindow } from '../../workflows/window.js';

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('walking a graph', () => {
  test('a node starts the moment its parents are done, not when their level is', async () => {
    const started: number[] = [];
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => (release = resolve));
    // 0 and 1 begin together; 2 hangs on 0 alone and must not wait for the slow 1
    const walked = walk([[], [], [0], [1]], 4, async (node) => {
      started.push(node);
      if (node === 1) await slow;
      return true;
    });
    await tick();
    expect(started).toEqual([0, 1, 2]);
    release();
    expect(await walked).toEqual([true, true, true, true]);
    expect(started).toEqual([0, 1, 2, 3]);
  });

  test('whatever the graph: parents first, never more than the width at once, and only descendants of a failure are left out', async () => {
    const graphs = fc.array(fc.record({ parents: fc.array(fc.nat()), fails: fc.boolean() }), {
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(graphs, fc.integer({ min: 1, max: 5 }), async (nodes, width) => {
        const parents = nodes.map((node, i) => (i === 0 ? [] : [...new Set(node.parents.map((p) => p % i))]));
        const doomed = new Set<number>();
        parents.forEach((of, i) => of.some((p) => doomed.has(p) || nodes[p]?.fails) && doomed.add(i));
        const done = new Set<number>();
        let running = 0;
        const outcomes = await walk(parents, width, async (node) => {
          expect(++running).toBeLessThanOrEqual(width);
          expect(parents[node]?.every((p) => done.has(p))).toBe(true);
          await tick();
          running--;
          done.add(node);
          return !nodes[node]?.fails;
        });
        const left = outcomes.flatMap((outcome, node) => (outcome === undefined ? [node] : []));
        expect(new Set(left)).toEqual(doomed);
        expect(done.size + doomed.size).toBe(nodes.length);
      }),
      { numRuns: 60 },
    );
  });

  test('stops when it is told to, and goes on where it was', async () => {
    const ran: number[] = [];
    const parents = [[], [0], [1], [2]];
    const work = (node: number): Promise<boolean> => {
      ran.push(node);
      return Promise.resolve(true);
    };
    const outcomes = await walk(parents, 2, work, { more: () => ran.length < 2 });
    expect(outcomes).toEqual([true, true, undefined, undefined]);
    expect(await walk(parents, 2, work, { outcomes })).toEqual([true, true, true, true]);
    expect(ran).toEqual([0, 1, 2, 3]);
  });

  test('an exception lets what runs end, starts nothing more, and is thrown', async () => {
    const ended: number[] = [];
    const walked = walk([[], [], [1]], 2, async (node) => {
      if (node === 0) throw new Error('cancelled');
      await tick();
      ended.push(node);
      return true;
    });
    await expect(walked).rejects.toThrow('cancelled');
    expect(ended).toEqual([1]);
  });
});

describe('a sliding window', () => {
  test('keeps its width full and gives results in order', async () => {
    let running = 0;
    let most = 0;
    const { results, next } = await slidingWindow(20, 3, async (i) => {
      most = Math.max(most, ++running);
      await tick();
      running--;
      return i * 2;
    });
    expect(results).toEqual(Array.from({ length: 20 }, (_, i) => i * 2));
    expect([most, next]).toEqual([3, 20]);
  });

  test('stops starting when told, and says where to go on', async () => {
    const { results, next } = await slidingWindow(
      10,
      2,
      async (i) => i,
      4,
      (i) => i < 7,
    );
    expect(results).toEqual([4, 5, 6]);
    expect(next).toBe(7);
  });

  test('a failure ends it after the running ones', async () => {
    const ran: number[] = [];
    const windowed = slidingWindow(10, 2, async (i) => {
      ran.push(i);
      await tick();
      if (i === 1) throw new Error('disk full');
    });
    await expect(windowed).rejects.toThrow('disk full');
    expect(ran.length).toBeLessThanOrEqual(4);
  });
});
