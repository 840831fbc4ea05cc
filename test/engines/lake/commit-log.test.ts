import { testCommitLog } from './commit-log-suite.js';
import { openLocal } from './local.js';

testCommitLog(openLocal);
