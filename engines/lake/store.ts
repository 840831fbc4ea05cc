/**
 * Where the lake's files live. Keys are `/`-separated and relative to the lake's root. The two conditional operations
 * are all that atomic commits need: a local disk gives them by link(2) and rename(2), S3 by `If-None-Match: *`.
 */
export interface ObjectStore {
  /** address of the root, for references and for people */
  readonly uri: string;
  /** @throws MillraceError ObjectMissing */
  get(key: string): Promise<Buffer>;
  /** Writes the whole object or nothing. @returns false, and changes nothing, when the key exists */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  /** Writes the whole object or nothing, in place of what was there. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Moves a finished local file in, whole or not at all; an existing object of that key is replaced. */
  putFile(key: string, file: string): Promise<void>;
  /** A local path with the object's bytes, valid while the process lives. @throws MillraceError ObjectMissing */
  localFile(key: string): Promise<string>;
  /** Keys that start with `prefix`, in byte order. */
  list(prefix: string): Promise<string[]>;
  delete(key: string): Promise<void>;
}
