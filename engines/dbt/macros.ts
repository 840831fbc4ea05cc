import type { Macro, Template } from './jinja/ast.js';

/** the package that dbt's own macros belong to */
export const BUILT_IN = 'dbt';

/** Every macro of a project and its packages, and the order in which names are looked up. */
export class MacroSet {
  private readonly packages = new Map<string, Map<string, Macro>>();

  constructor(
    readonly root: string,
    /** `dispatch:` of dbt_project.yml: namespace -> packages to search */
    private readonly searchOrders: Map<string, string[]>,
    private readonly adapter: string,
  ) {}

  addTemplate(packageName: string, template: Template): void {
    for (const statement of template.body)
      if (statement.kind === 'macro') this.add(packageName, statement.macro);
  }

  private add(packageName: string, macro: Macro): void {
    let macros = this.packages.get(packageName);
    if (!macros) this.packages.set(packageName, (macros = new Map<string, Macro>()));
    macros.set(macro.name, macro);
  }

  has(packageName: string): boolean {
    return this.packages.has(packageName);
  }

  in(packageName: string, name: string): Macro | undefined {
    return this.packages.get(packageName)?.get(name);
  }

  /** a bare name, as a node of `packageName` sees it: its own package, then the project, then dbt's own */
  find(name: string, packageName: string): Macro | undefined {
    return this.in(packageName, name) ?? this.in(this.root, name) ?? this.in(BUILT_IN, name);
  }

  /** `adapter.dispatch`: the version for this adapter wherever there is one, before the default one. */
  dispatch(name: string, namespace: string | null, packageName: string): Macro | undefined {
    const order = namespace === null ? [packageName, this.root] : [...this.searchOrder(namespace)];
    for (const each of new Set([...order, BUILT_IN]))
      for (const prefix of [this.adapter, 'default']) {
        const macro = this.in(each, `${prefix}__${name}`);
        if (macro) return macro;
      }
    return undefined;
  }

  private searchOrder(namespace: string): string[] {
    return this.searchOrders.get(namespace) ?? [this.root, namespace];
  }

  *names(): Iterable<string> {
    for (const macros of this.packages.values()) yield* macros.keys();
  }

  *packageNames(): Iterable<string> {
    yield* this.packages.keys();
  }
}
