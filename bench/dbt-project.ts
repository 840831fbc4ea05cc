import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Layers {
  layers: number;
  /** models in each */
  width: number;
  /** of a column of each model */
  tests: boolean;
}

/** A dbt project of models over one another: each reads two of the layer above; views and tables take turns. */
export async function writeLayers(dir: string, { layers, width, tests }: Layers): Promise<void> {
  await mkdir(join(dir, 'models'), { recursive: true });
  const name = (layer: number, at: number): string => `m_${layer}_${at % width}`;
  const files: [string, string][] = [
    [
      'dbt_project.yml',
      "name: layers\nversion: '1.0'\nprofile: layers\nmodels:\n  layers:\n    +tags: [bench]\n",
    ],
    [
      'profiles.yml',
      'layers:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n      path: "{{ env_var(\'DBT_DB_PATH\') }}"\n      schema: main\n      threads: 1\n',
    ],
  ];
  for (let layer = 0; layer < layers; layer++) {
    const entries: string[] = [];
    for (let at = 0; at < width; at++) {
      const materialized = (layer + at) % 2 === 0 ? 'view' : 'table';
      const sql =
        layer === 0
          ? `select i as id, i % 7 as kind, i * ${at + 1} as amount from range(100) t(i)`
          : [
              `select a.id, a.kind, a.amount + b.amount as amount`,
              `from {{ ref('${name(layer - 1, at)}') }} a`,
              `join {{ ref('${name(layer - 1, at + 1)}') }} b using (id)`,
              `where a.kind < 7`,
            ].join('\n');
      files.push([
        `models/${name(layer, at)}.sql`,
        `{{ config(materialized='${materialized}') }}\n\n${sql}\n`,
      ]);
      entries.push(
        `  - name: ${name(layer, at)}\n    description: Model ${at} of layer ${layer}\n    columns:\n      - name: id\n` +
          (tests ? '        data_tests: [not_null]\n' : ''),
      );
    }
    files.push([`models/layer_${layer}.yml`, `version: 2\nmodels:\n${entries.join('')}`]);
  }
  await Promise.all(files.map(([path, text]) => writeFile(join(dir, path), text)));
}
