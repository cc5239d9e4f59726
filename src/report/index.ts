export { createReport, wantsColor } from './report.js';
export { exitStatus } from './summary.js';
export type * from './types.js';
