/** A file where it lies: what of it tells whether it has been read before. Plain JSON. */
export interface PlacedFile {
  /** relative to the place, with `/` */
  file: string;
  bytes: number;
  mtimeMs: number;
  /** of a store that names contents; its times say only when they were copied there */
  etag?: string;
}

export interface FetchOptions {
  signal?: AbortSignal | undefined;
  /** is told how many bytes have arrived */
  onProgress?: ((bytes: number) => void) | undefined;
}

/** Where files are. One is opened for a piece of work and closed after it. */
export interface Place {
  /** address for people; never with a password */
  readonly uri: string;
  /**
   * Files that match, in name order; those that cannot be whole yet are left out.
   * @param pattern glob, relative; what stands before its first wildcard limits what is looked at
   * @throws MillraceError AccessDenied, HostKeyMismatch, BucketMissing, Unavailable
   */
  list(pattern: string, signal?: AbortSignal): Promise<PlacedFile[]>;
  /** Names in a folder, at most a thousand, for a message about a file that is not there. */
  names(folder: string, signal?: AbortSignal): Promise<string[]>;
  /** Of listed files those that have arrived whole; may take the time that they must stay unchanged. */
  complete(files: PlacedFile[], signal?: AbortSignal): Promise<PlacedFile[]>;
  /**
   * Brings a file to this machine. A broken connection is taken up where it broke.
   * @param path where it may be put; a place on this machine leaves the file where it is
   * @returns where it is, and what it is by now: it may have changed since it was listed
   * @throws MillraceError SourceMissing when it is gone, Unavailable when it changed while it was read or the
   *   connection cannot be had, DiskFull, and as {@link list}; the signal's reason after an abort
   */
  fetch(file: PlacedFile, path: string, options?: FetchOptions): Promise<PlacedFile & { path: string }>;
  close(): Promise<void>;
}
