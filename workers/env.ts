import { z } from 'zod';
import { MillraceError } from '../schemas/errors.js';

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
);

/** The worker's environment, parsed once at its start. Temporal's own variables are read by `@temporalio/envconfig`. */
const Env = z.object({
  /** JSON list of project folders whose warehouses this worker owns */
  MILLRACE_PROJECTS: z
    .string()
    .default('[]')
    .transform((text) => z.array(z.string()).parse(JSON.parse(text))),
  /** `control,io,compute,warehouse`, or some of them */
  MILLRACE_QUEUES: list.default(['control', 'io', 'compute', 'warehouse']),
  /** address that `/metrics`, `/healthz` and `/readyz` listen on */
  MILLRACE_HOST: z.string().default('127.0.0.1'),
  /** `/metrics`, `/healthz` and `/readyz`; 0 picks a free port */
  MILLRACE_METRICS_PORT: z.coerce.number().int().min(0).default(0),
  /** trainings and partitions scored at once */
  MILLRACE_COMPUTE_SLOTS: z.coerce.number().int().min(1).default(2),
  /** groups of source files read at once */
  MILLRACE_IO_SLOTS: z.coerce.number().int().min(1).default(4),
  /** statements that wait or run on one warehouse at once */
  MILLRACE_WAREHOUSE_SLOTS: z.coerce.number().int().min(1).default(16),
  /** how long running activities may go on after SIGTERM */
  MILLRACE_SHUTDOWN_GRACE: z.string().default('20s'),
  /** worker deployment, for pinned versions; both or none */
  MILLRACE_DEPLOYMENT: z.string().optional(),
  /** the version of that deployment this worker is */
  MILLRACE_BUILD_ID: z.string().optional(),
  /** set by the supervisor: the worker ends when its parent's pipe does */
  MILLRACE_PARENT_PIPE: z.literal('1').optional(),
  /** prebuilt workflow bundle; by default the one beside the compiled worker */
  MILLRACE_BUNDLE: z.string().optional(),
  /** of the JSON log on standard output */
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});
export type Env = z.infer<typeof Env>;

export function parseEnv(variables: NodeJS.ProcessEnv): Env {
  const parsed = Env.safeParse(variables);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new MillraceError('ProjectInvalid', {
    what: `the worker's environment is wrong: ${problems.join('; ')}`,
  });
}
