import { SAMPLE_RANGE } from '../../scaffold/project-files.js';
import { SAMPLE_DAYS } from '../../scaffold/sample-orders.js';
import { scaffoldProject } from '../../scaffold/scaffold.js';
import { answer, style, type GlobalOptions } from '../output.js';

/** `millrace init` */
export async function init(options: GlobalOptions & { name?: string }, folder: string): Promise<void> {
  const made = await scaffoldProject(folder, options.name);
  const next = [
    ...(made.root === process.cwd() ? [] : [`cd ${folder}`]),
    `millrace run daily -i ${SAMPLE_DAYS[0]}`,
    `millrace backfill start daily ${SAMPLE_RANGE}`,
  ];
  answer(options, { ...made, next }, () => [
    `${style.green('made')} project ${style.bold(made.name)} in ${made.root} (${made.files.length} files)`,
    'next:',
    ...next.map((command) => `  ${command}`),
  ]);
}
