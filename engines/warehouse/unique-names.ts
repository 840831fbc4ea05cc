/** Names of columns that are all different: the second `a` is `a_2`, unless there is one. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    let count = 2;
    while (taken.has(`${name}_${count}`)) count++;
    taken.add(`${name}_${count}`);
    return `${name}_${count}`;
  });
}
