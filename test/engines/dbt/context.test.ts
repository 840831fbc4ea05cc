import { describe, expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import { context, openMemory, writeProject, type Files } from './project.js';

/** what the model `m` compiles to */
async function compiled(sql: string, more: Files = {}): Promise<string> {
  const dir = writeProject({ 'models/m.sql': sql, ...more });
  const warehouse = await openMemory();
  const transform = await loadTransform(context(dir, warehouse, { ledger: false }));
  return (await transform.compile('model.shop.m')).replace(/\s+/g, ' ');
}

const TOOLS: Files = {
  'packages.yml': 'packages: [{local: tools}]\n',
  'tools/dbt_project.yml': 'name: tools\n',
  'tools/macros/m.sql': `
{% macro greet() %}{{ return(adapter.dispatch('greet', 'tools')()) }}{% endmacro %}
{% macro default__greet() %}default of tools{% endmacro %}
{% macro duckdb__greet() %}duckdb of tools{% endmacro %}
{% macro where_am_i() %}tools{% endmacro %}
{% macro two_names() %}{{ where_am_i() }} and {{ tools.where_am_i() }}{% endmacro %}
{% macro broken() %}
  {{ 1 + nobody.at_all }}
{% endmacro %}
`,
};

describe('names of macros', () => {
  test('a project overrides what a package dispatches, before any version of the package', async () => {
    const root = { 'macros/m.sql': '{% macro default__greet() %}default of shop{% endmacro %}' };
    expect(await compiled('select {{ tools.greet() }}', TOOLS)).toBe('select duckdb of tools');
    expect(await compiled('select {{ tools.greet() }}', { ...TOOLS, ...root })).toBe(
      'select default of shop',
    );
  });

  test('a bare name in a package macro is that of the project', async () => {
    const root = { 'macros/m.sql': '{% macro where_am_i() %}shop{% endmacro %}' };
    expect(await compiled('select {{ tools.two_names() }}', { ...TOOLS, ...root })).toBe(
      'select shop and tools',
    );
  });

  test('a version of a macro of dbt in the project counts for dbt, too', async () => {
    const root = {
      'macros/m.sql': "{% macro default__concat(fields) %}glue({{ fields | join(', ') }}){% endmacro %}",
    };
    expect(await compiled("select {{ dbt.concat(['a', 'b']) }}", root)).toBe('select glue(a, b)');
  });

  test('run_query can be redefined like any macro', async () => {
    const root = { 'macros/m.sql': "{% macro run_query(sql) %}{{ return('asked ' ~ sql) }}{% endmacro %}" };
    expect(await compiled("select '{{ run_query('x') }}'", root)).toBe("select 'asked x'");
  });
});

describe('errors', () => {
  test('name the place in a package, and the macros on the way', async () => {
    await expect(compiled('select\n  {{ tools.broken() }}', TOOLS)).rejects.toMatchObject({
      type: 'JinjaError',
      what: expect.stringContaining('through macro tools.broken (called at models/m.sql:2:11)') as string,
      where: { file: expect.stringContaining('macros/m.sql') as string, line: 8 },
    });
  });

  test('a macro that a package lacks is named, with one that is near', async () => {
    await expect(compiled('select {{ tools.grete() if execute }}', TOOLS)).rejects.toThrow(
      "Did you mean 'greet'",
    );
  });

  test('a dispatch that finds nothing says where it has looked', async () => {
    await expect(compiled("select {{ adapter.dispatch('nothing', 'tools')() }}", TOOLS)).rejects.toThrow(
      'shop.duckdb__nothing, shop.default__nothing, tools.duckdb__nothing, tools.default__nothing',
    );
  });

  test('a result can be loaded once', async () => {
    const sql = `{% call statement('q', fetch_result=true) %}select 1{% endcall %}
      {{ load_result('q')['data'] }}{{ load_result('q') if execute }}`;
    await expect(compiled(sql)).rejects.toThrow("'statement' result named 'q' has already been loaded");
  });
});

describe('the warehouse in a template', () => {
  test('a table has numbers, dates and texts, and reads by name and by place', async () => {
    const sql = `{% set t = run_query("select 1 as a, 2.50::decimal(9,2) as b, date '2024-01-02' as d, null as n") %}
      {% if execute %}select {{ t.rows[0].a + 1 }}, {{ t.rows[0]['b'] + 1 }}, {{ t.columns[2].values()[0].year }},
      {{ t.rows[0].n }}, {{ t.column_names }}, {{ t.rename({'a': 'z'}).exclude(['n']).column_names }}, {{ t | length }}{% endif %}`;
    expect(await compiled(sql)).toBe("select 2, 3.50, 2024, None, ('a', 'b', 'd', 'n'), ('z', 'b', 'd'), 1");
  });

  test('a statement is run once, though the template is rendered again after it', async () => {
    const sql = `{% do run_query('create table if not exists main.log (n int)') %}{% do run_query('insert into main.log values (1)') %}
      {% set n = run_query('select count(*) from main.log') %}{% do run_query('select 1') %}
      select {{ n.columns[0].values()[0] if execute }}`;
    expect(await compiled(sql)).toBe('select 1');
  });

  test('what a template tells is told once, with its level', async () => {
    const dir = writeProject({
      'models/m.sql': `{% if execute %}{{ log('hello', info=true) }}{{ exceptions.warn('careful') }}{% endif %}
        {% do run_query('select 1') %}{% do run_query('select 2') %}select 1 as a`,
    });
    const transform = await loadTransform(context(dir, await openMemory(), { ledger: false }));
    const told: string[] = [];
    transform.environment.log = ({ level, text }) => told.push(`${level}: ${text}`);
    await transform.compile('model.shop.m');
    expect(told).toEqual(['info: hello', 'warn: careful']);
  });

  test('columns say what they are', async () => {
    expect(
      await compiled(
        `select {{ api.Column('x', 'varchar', 20).data_type }}, {{ api.Column('x', 'numeric', none, 10, 2).data_type }},
         {{ api.Column('s', 'STRUCT(a INTEGER, b VARCHAR)').flatten() | map(attribute='name') | list }},
         {{ api.Column('x', 'varchar', 5).can_expand_to(api.Column('y', 'varchar', 9)) }}`,
      ),
    ).toBe("select character varying(20), numeric(10,2), ['s.a', 's.b'], True");
  });

  test('grants that differ are found without regard to case', async () => {
    expect(
      await compiled("select {{ diff_of_two_dicts({'select': ['Ann', 'bob']}, {'SELECT': ['ann']}) }}"),
    ).toBe("select {'select': ['bob']}");
  });
});
