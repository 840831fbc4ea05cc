import { existsSync } from 'node:fs';
import { MillraceError } from '../../../schemas/errors.js';
import {
  readArtifact,
  type ArtifactEntry,
  type ManifestArtifact,
  type RunResultsArtifact,
  type SourcesArtifact,
} from './artifact.js';

/** What an earlier run left: `--state`. Each file is read when it is asked for first. */
export class PreviousState {
  private known: {
    manifest?: ManifestArtifact | undefined;
    results?: RunResultsArtifact | undefined;
    sources?: SourcesArtifact | undefined;
  } = {};

  /** @param folder with manifest.json, run_results.json and sources.json, or some of them */
  constructor(readonly folder: string) {}

  /** @throws MillraceError ObjectMissing */
  get manifest(): ManifestArtifact {
    return (this.known.manifest ??= this.read('manifest.json', 'parse'));
  }

  /** @throws MillraceError ObjectMissing */
  get results(): RunResultsArtifact {
    return (this.known.results ??= this.read('run_results.json', 'build'));
  }

  /** @throws MillraceError ObjectMissing */
  get sources(): SourcesArtifact {
    return (this.known.sources ??= this.read('sources.json', 'source freshness'));
  }

  private read<K extends 'manifest.json' | 'run_results.json' | 'sources.json'>(
    name: K,
    command: string,
  ): NonNullable<ReturnType<typeof readArtifact<K>>> {
    const found = readArtifact(this.folder, name);
    if (found !== undefined) return found;
    throw new MillraceError('ObjectMissing', {
      what: existsSync(this.folder)
        ? `There is no ${name} in ${this.folder}`
        : `The folder of --state is not there: ${this.folder}`,
      fix: `Point --state to the target folder of an earlier run; '${command}' writes ${name}`,
    });
  }
}

/** The project as its own manifest.json would be, for comparison. */
export type CurrentArtifact = ManifestArtifact;

/** Anything of a manifest.json that can be selected. */
export const entry = (manifest: ManifestArtifact, id: string): ArtifactEntry | undefined =>
  manifest.nodes[id] ??
  manifest.sources[id] ??
  manifest.exposures[id] ??
  manifest.metrics[id] ??
  manifest.semantic_models[id] ??
  manifest.unit_tests[id] ??
  manifest.saved_queries[id];
