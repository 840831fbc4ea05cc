/** The rooms of the design: imports go only downwards. */
const ROOMS = ['clients', 'workers', 'workflows', 'activities', 'engines', 'schemas'];
const room = (name) => `^${name}/`;

/** What each room may import of the project; whatever is not named is forbidden. */
const MAY = {
  clients: ['workers', 'workflows', 'activities', 'engines', 'schemas', 'deploy/local'],
  workers: ['workflows', 'activities', 'engines', 'schemas'],
  workflows: ['schemas'],
  activities: ['engines', 'schemas'],
  engines: ['schemas'],
  schemas: [],
  'deploy/local': ['schemas'],
};

/** Engines stand alone, but for these. */
const ENGINES = {
  dbt: ['warehouse'],
  lineage: ['dbt/artifacts'],
  lake: ['warehouse/port'],
  ml: ['lake', 'warehouse'],
  project: ['copybook', 'lake'],
  warehouse: ['lake'],
  sources: ['copybook', 'lake', 'warehouse/port', 'http'],
};

const downwards = Object.entries(MAY).map(([from, allowed]) => ({
  name: `${from.replace('/', '-')}-downwards`,
  comment: `${from} may import only from ${[from, ...allowed].join(', ')}.`,
  severity: 'error',
  from: { path: room(from) },
  to: {
    path: [...ROOMS, 'deploy', 'test', 'bench', 'examples', 'scripts'].map(room),
    pathNot: [from, ...allowed].map(room),
    // an activity's type is how a workflow names it
    ...(from === 'workflows' ? { dependencyTypesNot: ['type-only'] } : {}),
  },
}));

const engines = [
  ...Object.entries(ENGINES).map(([engine, allowed]) => ({
    name: `engine-${engine}-alone`,
    comment: `engines/${engine} may import only from ${allowed.map((name) => `engines/${name}`).join(', ')}.`,
    severity: 'error',
    from: { path: `^engines/${engine}/` },
    to: { path: '^engines/[^/]+/', pathNot: [engine, ...allowed].map((name) => `^engines/${name}[/.]`) },
  })),
  {
    name: 'engine-alone',
    comment: 'An engine is usable and testable alone; name an exception in ENGINES.',
    severity: 'error',
    from: { path: '^engines/([^/]+)/', pathNot: Object.keys(ENGINES).map((name) => `^engines/${name}/`) },
    to: { path: '^engines/[^/]+/', pathNot: '^engines/$1/' },
  },
];

module.exports = {
  forbidden: [
    ...downwards,
    ...engines,
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one idea.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'workflow-types-only',
      comment: 'Of engines and clients not even types belong in a workflow; of activities only those.',
      severity: 'error',
      from: { path: room('workflows') },
      to: { path: ['clients', 'workers', 'engines', 'deploy'].map(room) },
    },
    {
      name: 'workflow-packages',
      comment: "A workflow's bundle holds Temporal's workflow API and nothing else of npm.",
      severity: 'error',
      from: { path: room('workflows') },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'core'],
        pathNot: 'node_modules/@temporalio/(workflow|common)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-temporal-in-engines',
      comment: 'Engines, schemas and the embedded stack know nothing of Temporal: activities translate.',
      severity: 'error',
      from: { path: ['engines', 'schemas', 'deploy/local'].map(room) },
      to: { path: '@temporalio/' },
    },
    {
      name: 'no-development-packages',
      comment: 'What ships may not need a development dependency.',
      severity: 'error',
      from: { path: [...ROOMS, 'deploy'].map(room) },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    includeOnly: {
      path: [...ROOMS, 'deploy', 'bench', 'test', 'examples'].map(room).concat('node_modules', '^[^/]+$'),
    },
    exclude: { path: ['(^|/)dist/', '(^|/)[.]millrace/'] },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
