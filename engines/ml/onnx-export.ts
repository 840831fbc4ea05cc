import { z } from 'zod';
import type { Task } from '../../schemas/predictor.js';
import { ONNX_INPUT, ONNX_OUTPUT } from './onnx-model.js';
import {
  encodeModel,
  floatConstant,
  floatTensor,
  floats,
  int,
  int64Constant,
  ints,
  text,
  texts,
  type Node,
} from './onnx-proto.js';

/** What is read of XGBoost's JSON model; a tree's nodes lie in parallel arrays. */
const Tree = z.object({
  left_children: z.array(z.int()),
  right_children: z.array(z.int()),
  split_indices: z.array(z.int()),
  /** the threshold of a split, the value of a leaf */
  split_conditions: z.array(z.number()),
  default_left: z.array(z.union([z.boolean(), z.number()])),
});
type Tree = z.infer<typeof Tree>;

const Model = z.object({
  learner: z.object({
    learner_model_param: z.object({ base_score: z.string(), num_feature: z.coerce.number() }),
    gradient_booster: z.object({ model: z.object({ tree_info: z.array(z.int()), trees: z.array(Tree) }) }),
  }),
});

/**
 * XGBoost's trees as a standard TreeEnsembleRegressor, which any ONNX runtime scores without XGBoost.
 *
 * @param json the booster saved as JSON, cut back to the rounds that count
 * @param classes number of classes of a multiclass task
 */
export function exportOnnx(json: Uint8Array, task: Task, classes: number): Uint8Array {
  const { learner } = Model.parse(JSON.parse(Buffer.from(json).toString('utf8')));
  const { trees, tree_info: targets } = learner.gradient_booster.model;
  const features = learner.learner_model_param.num_feature;
  const outputs = task === 'multiclass' ? classes : 1;
  const ensemble: Node = {
    opType: 'TreeEnsembleRegressor',
    domain: 'ai.onnx.ml',
    input: ['sided'],
    output: ['margins'],
    attribute: [
      ...treeAttributes(trees, targets, features),
      int('n_targets', outputs),
      floats('base_values', margins(learner.learner_model_param.base_score, task, outputs)),
      text('aggregate_function', 'SUM'),
      text('post_transform', 'NONE'),
    ],
  };
  return Buffer.from(
    encodeModel({
      name: 'predictor',
      node: [...SIDES, ensemble, ...transform(task)],
      initializer: [
        floatConstant('low', [-Infinity]),
        floatConstant('high', [Infinity]),
        ...(task === 'multiclass' ? [] : [int64Constant('axis', [1])]),
      ],
      input: [floatTensor(ONNX_INPUT, ['n', features])],
      output: [floatTensor(ONNX_OUTPUT, outputs === 1 ? ['n'] : ['n', outputs])],
    }),
  );
}

/**
 * Each feature twice: missing as -Infinity, for splits that send it left (`x < threshold`), and as Infinity, for those
 * that send it right. The runtime could track missing values itself, but at each node of each tree: this is 25 % faster.
 */
const SIDES: Node[] = [
  { opType: 'IsNaN', input: [ONNX_INPUT], output: ['missing'] },
  { opType: 'Where', input: ['missing', 'low', ONNX_INPUT], output: ['missing_left'] },
  { opType: 'Where', input: ['missing', 'high', ONNX_INPUT], output: ['missing_right'] },
  {
    opType: 'Concat',
    input: ['missing_left', 'missing_right'],
    output: ['sided'],
    attribute: [int('axis', 1)],
  },
];

/** From margins to probabilities, and one column to a plain vector. */
function transform(task: Task): Node[] {
  const squeeze = (input: string): Node => ({
    opType: 'Squeeze',
    input: [input, 'axis'],
    output: [ONNX_OUTPUT],
  });
  if (task === 'regression') return [squeeze('margins')];
  if (task === 'binary')
    return [{ opType: 'Sigmoid', input: ['margins'], output: ['column'] }, squeeze('column')];
  return [{ opType: 'Softmax', input: ['margins'], output: [ONNX_OUTPUT], attribute: [int('axis', 1)] }];
}

/** XGBoost 3 writes a vector (`[2.98E-1]`), earlier ones a number; for a binary task it is a probability. */
function margins(baseScore: string, task: Task, outputs: number): number[] {
  const base = z
    .union([z.number().transform((value) => [value]), z.array(z.number())])
    .parse(JSON.parse(baseScore));
  const margin = (value: number): number => (task === 'binary' ? Math.log(value / (1 - value)) : value);
  return Array.from({ length: outputs }, (_, at) => margin(base[at] ?? base[0] ?? 0));
}

function treeAttributes(trees: Tree[], targets: number[], features: number): Node['attribute'] & object {
  const nodes = {
    treeids: [] as number[],
    nodeids: [] as number[],
    featureids: [] as number[],
    values: [] as number[],
    truenodeids: [] as number[],
    falsenodeids: [] as number[],
  };
  const modes: string[] = [];
  const leaves = { treeids: [] as number[], nodeids: [] as number[], ids: [] as number[] };
  const weights: number[] = [];
  trees.forEach((tree, treeId) =>
    tree.left_children.forEach((left, nodeId) => {
      const leaf = left === -1;
      const condition = tree.split_conditions[nodeId] ?? 0;
      nodes.treeids.push(treeId);
      nodes.nodeids.push(nodeId);
      modes.push(leaf ? 'LEAF' : 'BRANCH_LT');
      const side = tree.default_left[nodeId] ? 0 : features;
      nodes.featureids.push(leaf ? 0 : (tree.split_indices[nodeId] ?? 0) + side);
      nodes.values.push(leaf ? 0 : condition);
      nodes.truenodeids.push(leaf ? 0 : left);
      nodes.falsenodeids.push(leaf ? 0 : (tree.right_children[nodeId] ?? 0));
      if (!leaf) return;
      leaves.treeids.push(treeId);
      leaves.nodeids.push(nodeId);
      leaves.ids.push(targets[treeId] ?? 0);
      weights.push(condition);
    }),
  );
  const { values, ...whole } = nodes;
  return [
    ...Object.entries(whole).map(([name, numbers]) => ints(`nodes_${name}`, numbers)),
    floats('nodes_values', values),
    texts('nodes_modes', modes),
    ...Object.entries(leaves).map(([name, numbers]) => ints(`target_${name}`, numbers)),
    floats('target_weights', weights),
  ];
}
