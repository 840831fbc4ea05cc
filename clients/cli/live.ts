import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Progress } from '../../schemas/run.js';
import { readRun, type RunState } from '../runs.js';
import type { Awaiting } from '../approvals.js';
import { describeEvidence } from './describe.js';
import { say, style } from './output.js';

const EVERY_MS = 500;

/** Called with each candidate that begins to wait; the demo answers, the others only tell. */
type OnAwaiting = (awaiting: Awaiting) => Promise<void> | void;

/**
 * Follows a run until it ends: one redrawn block on a terminal, a line for each change elsewhere.
 * @returns its last status, as Temporal names it
 */
export async function follow(
  client: Client,
  workflowId: string,
  onAwaiting: OnAwaiting = tellAwaiting,
): Promise<string> {
  const screen = process.stdout.isTTY ? new Redraw() : new Lines();
  const told = new Set<string>();
  const started = Date.now();
  for (;;) {
    const state = await readRun(client, workflowId);
    screen.show(state, Date.now() - started);
    for (const { awaiting } of state.stages) {
      if (!awaiting || told.has(awaiting.hash)) continue;
      told.add(awaiting.hash);
      screen.clear();
      await onAwaiting(awaiting);
    }
    if (state.status !== 'RUNNING') {
      screen.clear();
      return state.status;
    }
    await sleep(EVERY_MS);
  }
}

function tellAwaiting({ predictor, hash, workflowId, deadline, ...evidence }: Awaiting): void {
  const run = workflowId.split('/')[0] ?? workflowId;
  say(`${style.yellow('waiting')} ${predictor} ${hash} needs an approval until ${deadline}`);
  for (const line of describeEvidence(evidence)) say(`  ${line}`);
  say(`  millrace approve ${run} --hash ${hash.slice(0, 12)} --who you@example.com --why "…"`);
}

/** A block of lines at the bottom of a terminal, drawn anew each time. */
class Redraw {
  private height = 0;
  private readonly since = new Map<string, number>();

  show(state: RunState, elapsedMs: number): void {
    this.clear();
    const stages = state.stages.map((stage) => {
      const since = this.since.get(stage.stage) ?? elapsedMs;
      this.since.set(stage.stage, since);
      return stageLine(stage, elapsedMs - since);
    });
    // a line that wraps would be two to clear
    const lines = [headline(state, elapsedMs), ...stages].map((line) =>
      clip(line, process.stdout.columns || 100),
    );
    for (const line of lines) say(line);
    this.height = lines.length;
  }

  clear(): void {
    if (this.height > 0) process.stdout.write(`\u001b[${this.height}A\u001b[0J`);
    this.height = 0;
  }
}

/** Without a terminal: each stage when it begins and when it gets on by a tenth. */
class Lines {
  private last = new Map<string, string>();

  show(state: RunState): void {
    for (const { stage, done, total, rows, current } of state.stages) {
      const mark = `${total === 0 ? 0 : Math.floor((10 * done) / total)} ${total} ${current.length > 0}`;
      if (this.last.get(stage) === mark) continue;
      this.last.set(stage, mark);
      say(
        `${stage}: ${done} of ${total}, ${rows.toLocaleString('en')} rows${current.length > 0 ? `, ${current.slice(0, 3).join(', ')}` : ''}`,
      );
    }
  }

  clear(): void {}
}

function headline({ workflowId, status, progress }: RunState, elapsedMs: number): string {
  const unit = progress?.stage.startsWith('backfill') ? 'intervals' : 'stages';
  const stages = progress ? `${progress.done} of ${progress.total} ${unit}` : 'starting';
  return `${style.bold(workflowId)} ${status.toLowerCase()} ${stages} ${style.dim(`${(elapsedMs / 1000).toFixed(1)} s`)}`;
}

/** @param elapsedMs since the stage was first seen */
function stageLine({ stage, done, total, rows, current }: Progress, elapsedMs: number): string {
  const share = total === 0 ? 0 : done / total;
  const seconds = elapsedMs / 1000;
  const bar = '█'.repeat(Math.round(share * 20)).padEnd(20, '░');
  const rate = rows > 1_000 && seconds > 1 ? `${Math.round(rows / seconds).toLocaleString('en')} rows/s` : '';
  const left =
    share > 0.05 && share < 1 && seconds > 1
      ? `about ${Math.ceil(((1 - share) / share) * seconds)} s left`
      : '';
  const notes = [rate, left, current.slice(0, 3).join(', ')].filter(Boolean).join(' · ');
  return `  ${stage.padEnd(30)} ${style.cyan(bar)} ${done}/${total} ${style.dim(notes)}`;
}

/** Cuts a line to what a terminal shows of it; colour codes take no room. */
function clip(line: string, width: number): string {
  let room = width - 1;
  return line.replace(/\u001b\[\d+m|./gsu, (part) => (part.startsWith('\u001b') || room-- > 0 ? part : ''));
}
