import { vi } from 'vitest';
import { dbt } from '../../../clients/cli/actions/dbt/dbt.js';

export interface Said {
  code: number;
  /** standard output, without colours */
  out: string;
  err: string;
}

/** Runs `millrace dbt …` in this process. */
export async function runDbt(...argv: string[]): Promise<Said> {
  const taken = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      taken[name] += String(chunk);
      return true;
    }),
  );
  try {
    const code = await dbt(argv);
    return { code, out: taken.stdout, err: taken.stderr };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
