import { isAbsolute, resolve } from 'node:path';

/** Paths in a project start at its folder. */
export const within = (root: string, path: string): string => (isAbsolute(path) ? path : resolve(root, path));
