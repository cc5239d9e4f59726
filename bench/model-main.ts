// Usage: npm run bench:model. Exits 1 if a bound is missed.

import { benchModel, reportModel } from './model.js';

process.exitCode = reportModel(benchModel()) ? 0 : 1;
