import { uuidOf } from './uuid.js';

/** OpenLineage 2-0-2, as far as it is sent. */
export interface RunEvent {
  eventType: 'START' | 'COMPLETE' | 'FAIL' | 'ABORT';
  /** ISO 8601 */
  eventTime: string;
  run: { runId: string; facets: Facets };
  job: { namespace: string; name: string; facets: Facets };
  inputs: Dataset[];
  outputs: Dataset[];
  producer: string;
  schemaURL: string;
}
export type Facets = Record<string, Record<string, unknown>>;
export interface Dataset {
  namespace: string;
  name: string;
  facets: Facets;
  inputFacets?: Facets;
  outputFacets?: Facets;
}

const PRODUCER = 'urn:millrace';
const SPEC = 'https://openlineage.io/spec';

/** name of each facet in an event -> its schema's version and name */
const SCHEMAS = {
  schema: ['1-1-1', 'SchemaDatasetFacet'],
  columnLineage: ['1-2-0', 'ColumnLineageDatasetFacet'],
  documentation: ['1-0-1', 'DocumentationDatasetFacet'],
  ownership: ['1-0-1', 'OwnershipDatasetFacet'],
  outputStatistics: ['1-0-2', 'OutputStatisticsOutputDatasetFacet'],
  dataQualityAssertions: ['1-0-1', 'DataQualityAssertionsDatasetFacet'],
  nominalTime: ['1-0-1', 'NominalTimeRunFacet'],
  parent: ['1-1-0', 'ParentRunFacet'],
  errorMessage: ['1-0-1', 'ErrorMessageRunFacet'],
  processing_engine: ['1-1-1', 'ProcessingEngineRunFacet'],
  sql: ['1-0-1', 'SQLJobFacet'],
  jobType: ['2-0-3', 'JobTypeJobFacet'],
} as const;
type FacetName = keyof typeof SCHEMAS;
/** these two exist for jobs as well, under names of their own */
const OF_JOBS: Partial<Record<FacetName, string>> = {
  documentation: 'DocumentationJobFacet',
  ownership: 'OwnershipJobFacet',
};

/** Facets with what the standard asks of each; those without a value are left out. */
export function facets(
  given: Partial<Record<FacetName, Record<string, unknown> | null | undefined>>,
  of: 'job' | 'other' = 'other',
): Facets {
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => {
      if (!value) return [];
      const [version, usual] = SCHEMAS[key as FacetName];
      const name = (of === 'job' && OF_JOBS[key as FacetName]) || usual;
      const schema = `${SPEC}/facets/${version}/${name}.json#/$defs/${name}`;
      return [[key, { _producer: PRODUCER, _schemaURL: schema, ...value }]];
    }),
  );
}

/** A job whose runs are told: the run of a project, or of one node within it. */
export interface Job {
  namespace: string;
  name: string;
}

export const runIdOf = (job: Job, run: string): string => uuidOf(job.namespace, job.name, run);

/** One event; what differs between START and the end of a run is in `more`. */
export function runEvent(
  eventType: RunEvent['eventType'],
  eventTime: string,
  job: Job & { facets: Facets },
  run: { runId: string; facets: Facets },
  data: { inputs?: Dataset[]; outputs?: Dataset[] } = {},
): RunEvent {
  const { inputs = [], outputs = [] } = data;
  const schemaURL = `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`;
  return { eventType, eventTime, run, job, inputs, outputs, producer: PRODUCER, schemaURL };
}

/** the same event has the same one, however often it is made */
export const eventId = ({ run, eventType }: RunEvent): string => `${run.runId}-${eventType.toLowerCase()}`;
