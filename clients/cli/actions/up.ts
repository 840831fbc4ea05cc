import { loadProject } from '../../../engines/project/load.js';
import { homeDir } from '../../../deploy/local/home.js';
import { startStack, type Stack, type StackEvent } from '../../../deploy/local/stack.js';
import { workerEntry } from '../../worker-entry.js';
import { EXIT, say, style, type GlobalOptions } from '../output.js';

interface UpOptions extends GlobalOptions {
  port?: string;
  uiPort?: string;
  metricsPort?: string;
}

/** `millrace up`: the embedded stack in the foreground. */
export async function up(options: UpOptions): Promise<number> {
  const { spec, root } = await loadProject(options.project);
  const number = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : Number(text);
  const stack = await startStack({
    home: homeDir(),
    projects: [root],
    workerEntry: workerEntry(),
    address: process.env['TEMPORAL_ADDRESS'],
    port: number(options.port),
    uiPort: number(options.uiPort),
    metricsPort: number(options.metricsPort),
    onEvent: tellEvent,
  });
  if (options.json)
    say(
      JSON.stringify({
        address: stack.address,
        ui: stack.uiUrl,
        metrics: stack.metricsUrl,
        pids: stack.pids(),
      }),
    );
  else describeStack(stack, spec.name).forEach((line) => say(line));
  await interrupted();
  if (!options.json) say(style.dim('stopping…'));
  await stack.stop();
  return EXIT.ok;
}

/** What runs where, as shown when the stack has started. */
export function describeStack(stack: Stack, project: string): string[] {
  return [
    `${style.green('up')}  project ${style.bold(project)}`,
    `  Temporal UI  ${style.cyan(stack.uiUrl ?? 'not known (a Temporal of your own)')}`,
    `  Temporal     ${stack.address}, namespace ${stack.namespace}`,
    `  metrics      ${stack.metricsUrl ?? '-'}`,
    `  logs         ${stack.logs}`,
    style.dim('  Ctrl-C stops everything that was started here'),
  ];
}

export function tellEvent(event: StackEvent): void {
  process.stderr.write(`${style.yellow('stack')} ${describeEvent(event)}\n`);
}

function describeEvent(event: StackEvent): string {
  if (event.kind === 'orphanStopped') return `${event.name} of a former start was still running: stopped`;
  return `${event.name}: ${event.kind}`;
}

export const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
