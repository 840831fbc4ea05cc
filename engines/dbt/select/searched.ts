import type { Manifest } from '../manifest.js';
import type { Package } from '../project/package.js';
import type { CurrentArtifact, PreviousState } from '../state/previous.js';

/** What the methods of a selection look at. */
export interface Searched {
  manifest: Manifest;
  packages: readonly Package[];
  state?: PreviousState | undefined;
  /** the project's own target folder, with the sources.json of its last `source freshness` */
  freshness?: PreviousState | undefined;
  /** the project as its manifest.json would be; asked for by `state:` only */
  current: () => CurrentArtifact;
  /** @param event dbt's name for it, which `--warn-error-options` goes by */
  warn: (event: string, message: string) => void;
}
