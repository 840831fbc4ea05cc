import { z } from 'zod';
import { Duration, SecretRef } from './common.js';

/** Where OpenLineage events of runs go. A place that is down fails no run: its events wait in the lake. */
export const Lineage = z
  .strictObject({
    /** of the jobs, as catalogs group them */
    namespace: z.string().min(1).default('millrace'),
    /** address that takes events, such as `http://marquez:5000/api/v1/lineage` */
    url: z.url({ protocol: /^https?$/ }).optional(),
    /** sent as a bearer token */
    apiKey: SecretRef.optional(),
    /** a file of JSON lines, relative to the project */
    file: z.string().min(1).optional(),
    /** for one event; what is late counts as down */
    timeout: Duration.default('10s'),
  })
  .refine(({ url, file }) => (url === undefined) !== (file === undefined), 'needs either url or file')
  .refine(({ url, apiKey }) => url !== undefined || apiKey === undefined, 'apiKey belongs to url');
export type Lineage = z.infer<typeof Lineage>;
