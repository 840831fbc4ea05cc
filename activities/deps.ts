import type { Meter } from './meter.js';
import type { Resources } from './resources.js';

/** What every activity factory is given. */
export interface Deps {
  resources: Resources;
  meter: Meter;
}
