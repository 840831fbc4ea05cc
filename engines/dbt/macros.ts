import type { Macro, Template } from './jinja/ast.js';

/** the package that dbt's own macros belong to */
export const BUILT_IN = 'dbt';

const OWNERS = new WeakMap<Macro, string>();

/** the package a macro was written in */
export const ownerOf = (macro: Macro): string => OWNERS.get(macro) ?? BUILT_IN;

/** `macro.package.name`, dbt's unique_id of a macro */
export const macroId = (macro: Macro): string => `macro.${ownerOf(macro)}.${macro.name}`;

/** Every macro of a project and its packages, and the order in which names are looked up. */
export class MacroSet {
  private readonly packages = new Map<string, Map<string, Macro>>();
  /** macros of dbt's own whose text has not been parsed yet: most projects use few of them */
  private readonly unread = new Map<string, () => Template>();

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

  /** Takes dbt's own macros of one text, which is parsed when the first of them is asked for. */
  addBuiltIn(names: Iterable<string>, read: () => Template): void {
    for (const name of names) this.unread.set(name, read);
  }

  private builtIn(name: string): Macro | undefined {
    const known = this.packages.get(BUILT_IN)?.get(name);
    const read = known ? undefined : this.unread.get(name);
    if (!read) return known;
    this.addTemplate(BUILT_IN, read());
    return this.packages.get(BUILT_IN)?.get(name);
  }

  private add(packageName: string, macro: Macro): void {
    let macros = this.packages.get(packageName);
    if (!macros) this.packages.set(packageName, (macros = new Map<string, Macro>()));
    macros.set(macro.name, macro);
    OWNERS.set(macro, packageName);
  }

  has(packageName: string): boolean {
    return this.packages.has(packageName) || (packageName === BUILT_IN && this.unread.size > 0);
  }

  in(packageName: string, name: string): Macro | undefined {
    return packageName === BUILT_IN ? this.builtIn(name) : this.packages.get(packageName)?.get(name);
  }

  /** a bare name, as a node of `packageName` sees it: its own package, then the project, then dbt's own */
  find(name: string, packageName: string): Macro | undefined {
    return this.in(packageName, name) ?? this.in(this.root, name) ?? this.in(BUILT_IN, name);
  }

  /**
   * `adapter.dispatch`: package by package, the version for this adapter before the default one. Without a namespace,
   * or with one that is no package, the versions are looked up like any name.
   */
  dispatch(name: string, namespace: string | null, packageName: string): Macro | undefined {
    const order = namespace === null ? null : this.searchOrder(namespace);
    for (const each of order ?? [null])
      for (const prefix of [this.adapter, 'default']) {
        const version = `${prefix}__${name}`;
        const macro = each === null ? this.find(version, packageName) : this.in(each, version);
        if (macro) return macro;
      }
    return undefined;
  }

  /** what `dispatch` looks for, for those who read that nothing was found */
  attempts(name: string, namespace: string | null): string[] {
    const order = namespace === null ? null : this.searchOrder(namespace);
    return (order ?? [null]).flatMap((each) =>
      [this.adapter, 'default'].map((prefix) => `${each === null ? '' : `${each}.`}${prefix}__${name}`),
    );
  }

  private searchOrder(namespace: string): string[] | null {
    const configured = this.searchOrders.get(namespace);
    if (configured && configured.length > 0) return configured;
    return namespace === BUILT_IN || this.packages.has(namespace) ? [this.root, namespace] : null;
  }

  *names(): Iterable<string> {
    for (const name of this.packageNames()) yield* this.namesIn(name);
  }

  namesIn(packageName: string): Iterable<string> {
    const read = this.packages.get(packageName)?.keys() ?? [];
    return packageName === BUILT_IN ? new Set([...read, ...this.unread.keys()]) : read;
  }

  packageNames(): Iterable<string> {
    return new Set([...this.packages.keys(), BUILT_IN]);
  }
}
