export { OutputError } from '../process/output-file.js';
export {
  FORMATS,
  type Format,
  type OutputPlan,
  type OutputToken,
  planOutputs,
} from './outputs.js';
export { createReport, type Report, type ReportOptions, wantsColor } from './report.js';
export { exitStatus, summarize } from './summary.js';
export type * from './types.js';
