import type { NodeRecord } from '../../schemas/transform.js';
import type { Interval } from '../../schemas/interval.js';
import type { CatalogArtifact } from '../dbt/artifacts/catalog.js';
import type { ManifestArtifact } from '../dbt/artifacts/manifest.js';
import type { ColumnSource, Use } from './column-lineage.js';
import type { GraphLineage } from './graph-lineage.js';
import {
  facets,
  runEvent,
  runIdOf,
  type Dataset,
  type Facets,
  type Job,
  type RunEvent,
} from './open-lineage.js';

type Plain = Record<string, unknown>;

/** What a run of a project is to be told with. */
export interface RunStory {
  /** of the jobs */
  namespace: string;
  /** of the datasets: the address of the warehouse, such as `duckdb:///data/warehouse.duckdb` */
  warehouse: string;
  run: string;
  interval: Interval;
  /** ISO 8601 */
  startedAt: string;
  manifest: ManifestArtifact;
  /** run that this one is part of */
  parent?: { job: Job; run: string };
  engine: { name: string; version: string };
}

export interface Ending {
  outcome: 'COMPLETE' | 'FAIL' | 'ABORT';
  endedAt: string;
  message?: string;
  records: readonly NodeRecord[];
  catalog: Pick<CatalogArtifact, 'nodes' | 'sources'> | null;
  lineage: GraphLineage;
}

/** The event that a run has begun. */
export const startEvent = (story: RunStory): RunEvent =>
  runEvent('START', story.startedAt, { ...projectJob(story), facets: jobType('DAG') }, projectRun(story));

/** The events of a run that is over: two for each node that ran, and its own end. */
export function endEvents(story: RunStory, ending: Ending): RunEvent[] {
  const teller = new Teller(story, ending);
  const own = projectRun(
    story,
    ending.outcome === 'COMPLETE' ? undefined : (ending.message ?? ending.outcome),
  );
  return [
    ...ending.records.flatMap((record) => teller.node(record)),
    runEvent(ending.outcome, ending.endedAt, { ...projectJob(story), facets: jobType('DAG') }, own),
  ];
}

const projectJob = ({ namespace, manifest }: RunStory): Job => ({
  namespace,
  name: `${text(manifest.metadata['project_name'])}.transform`,
});

const jobType = (kind: string): Facets =>
  facets({ jobType: { processingType: 'BATCH', integration: 'MILLRACE', jobType: kind } }, 'job');

function projectRun(story: RunStory, error?: string): RunEvent['run'] {
  const { interval, parent, run, engine } = story;
  return {
    runId: runIdOf(projectJob(story), run),
    facets: facets({
      nominalTime: { nominalStartTime: interval.start, nominalEndTime: interval.end },
      parent: parent && { run: { runId: runIdOf(parent.job, parent.run) }, job: { ...parent.job } },
      processing_engine: engine,
      errorMessage: error === undefined ? null : { message: error, programmingLanguage: 'SQL' },
    }),
  };
}

const ENDINGS: Partial<Record<NodeRecord['result']['status'], 'COMPLETE' | 'FAIL'>> = {
  ...{ success: 'COMPLETE', reused: 'COMPLETE', pass: 'COMPLETE', warn: 'COMPLETE' },
  ...{ fail: 'FAIL', error: 'FAIL', 'partial success': 'FAIL' },
};

/** OpenLineage's names of what a column is used for */
const TRANSFORMATIONS: Record<Use, { type: string; subtype: string }> = {
  identity: { type: 'DIRECT', subtype: 'IDENTITY' },
  transformation: { type: 'DIRECT', subtype: 'TRANSFORMATION' },
  aggregation: { type: 'DIRECT', subtype: 'AGGREGATION' },
  condition: { type: 'INDIRECT', subtype: 'CONDITIONAL' },
};

class Teller {
  constructor(
    private readonly story: RunStory,
    private readonly ending: Ending,
  ) {}

  /** START and end of a node; nothing for what was skipped */
  node(record: NodeRecord): RunEvent[] {
    const { id, status, message, rows } = record.result;
    const ended = ENDINGS[status];
    const node = this.thing(id);
    if (!ended || !node) return [];
    const { namespace, run, interval, manifest, engine } = this.story;
    const job = {
      ...{ namespace, name: `${text(manifest.metadata['project_name'])}.${id}` },
      facets: {
        ...jobType(text(node['resource_type']).toUpperCase()),
        ...facets(
          {
            sql: record.compiled === null ? null : { query: record.compiled },
            documentation: described(node),
            ownership: this.owners(node),
          },
          'job',
        ),
      },
    };
    const parent = projectJob(this.story);
    const facetsOf = (error?: string): Facets =>
      facets({
        nominalTime: { nominalStartTime: interval.start, nominalEndTime: interval.end },
        parent: { run: { runId: runIdOf(parent, run) }, job: parent },
        processing_engine: engine,
        errorMessage: error === undefined ? null : { message: error, programmingLanguage: 'SQL' },
      });
    const runId = runIdOf(job, run);
    const error = ended === 'FAIL' ? (message ?? status) : undefined;
    const inputs = this.inputs(node, status);
    const output = text(node['relation_name']) === '' || ended === 'FAIL' ? null : this.dataset(id, node);
    const statistics = rows === undefined ? null : { rowCount: rows };
    const outputs = output ? [{ ...output, outputFacets: facets({ outputStatistics: statistics }) }] : [];
    return [
      runEvent('START', record.compileStarted, job, { runId, facets: facetsOf() }, { inputs }),
      runEvent(ended, record.executeCompleted, job, { runId, facets: facetsOf(error) }, { inputs, outputs }),
    ];
  }

  private thing(id: string): Plain | undefined {
    const { nodes, sources, unit_tests: units } = this.story.manifest;
    return nodes[id] ?? sources[id] ?? units[id];
  }

  /** what a node reads; an ephemeral model has no rows of its own, so it is looked through */
  private inputs(node: Plain, status: NodeRecord['result']['status']): Dataset[] {
    const found = new Map<string, Dataset>();
    const visit = (id: string): void => {
      const parent = this.thing(id);
      if (!parent || found.has(id)) return;
      if (text(parent['relation_name']) !== '') found.set(id, this.dataset(id, parent, false));
      else for (const above of strings(plain(parent['depends_on'])['nodes'])) visit(above);
    };
    for (const id of strings(plain(node['depends_on'])['nodes'])) visit(id);
    const attached = found.get(text(node['attached_node']));
    if (attached && node['resource_type'] === 'test')
      attached.inputFacets = facets({ dataQualityAssertions: { assertions: [assertion(node, status)] } });
    return [...found.values()];
  }

  private dataset(id: string, node: Plain, made = true): Dataset {
    const table = this.ending.catalog?.nodes[id] ?? this.ending.catalog?.sources[id];
    const documented = new Map(
      Object.values(plain(node['columns'])).map((column) => [
        text(plain(column)['name']),
        text(plain(column)['description']),
      ]),
    );
    const fields = Object.values(table?.columns ?? {}).map(({ name, type }) => ({
      ...{ name, type },
      ...(documented.get(name) && { description: documented.get(name) }),
    }));
    return {
      ...{ namespace: this.story.warehouse, name: this.datasetName(node) },
      facets: facets({
        schema: fields.length > 0 ? { fields } : null,
        documentation: described(node),
        ownership: this.owners(node),
        columnLineage: made ? this.columns(id) : null,
      }),
    };
  }

  private datasetName(node: Plain): string {
    const name = text(node['identifier']) || text(node['alias']);
    return [text(node['database']), text(node['schema']), name].filter((part) => part !== '').join('.');
  }

  private columns(id: string): Plain | null {
    const columns = this.ending.lineage.get(id)?.columns ?? [];
    const fields = columns.flatMap(({ name, sources }) => {
      const inputFields = sources.flatMap((source) => this.inputField(source));
      return inputFields.length > 0 ? [[name, { inputFields }] as const] : [];
    });
    return fields.length > 0 ? { fields: Object.fromEntries(fields) } : null;
  }

  private inputField({ relation, column, use }: ColumnSource): Plain[] {
    const from = this.thing(relation);
    if (!from || text(from['relation_name']) === '') return [];
    const transformation = { ...TRANSFORMATIONS[use], description: '', masking: false };
    return [
      {
        ...{ namespace: this.story.warehouse, name: this.datasetName(from), field: column },
        transformations: [transformation],
      },
    ];
  }

  private owners(node: Plain): Plain | null {
    const group = Object.values(this.story.manifest.groups).find(({ name }) => name === node['group']);
    const { name, email } = plain(group?.['owner']);
    const owner = text(name) || (Array.isArray(email) ? strings(email)[0] : text(email)) || '';
    return owner === '' ? null : { owners: [{ name: owner, type: 'OWNER' }] };
  }
}

const described = (node: Plain): Plain | null =>
  text(node['description']) === '' ? null : { description: text(node['description']) };

const assertion = (node: Plain, status: NodeRecord['result']['status']): Plain => ({
  assertion: text(plain(node['test_metadata'])['name']) || text(node['name']),
  success: status === 'pass',
  ...(text(node['column_name']) !== '' && { column: text(node['column_name']) }),
});

const plain = (value: unknown): Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Plain) : {};
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? (value as unknown[]).filter((each) => typeof each === 'string') : [];
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
