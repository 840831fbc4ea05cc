import { compileFunction } from 'node:vm';

/** Compiles and runs generated code once; it sees the names of `scope` and JavaScript's own. @returns what it returns */
export const runGenerated = (source: string, scope: Record<string, unknown>): unknown =>
  (compileFunction(source, Object.keys(scope)) as (...values: unknown[]) => unknown)(...Object.values(scope));
