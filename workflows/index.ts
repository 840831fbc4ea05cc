export { pipeline } from './pipeline.js';
export { extract } from './extract.js';
export { replicate } from './replicate.js';
export { transform } from './transform.js';
export { train } from './train.js';
export { score } from './score.js';
export { backfill } from './backfill.js';
