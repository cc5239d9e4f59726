export {
  FORMATS,
  type Format,
  OutputError,
  type OutputPlan,
  type OutputToken,
  planOutputs,
} from './outputs.js';
export { createReport, type Report, type ReportOptions, wantsColor } from './report.js';
export { exitStatus, summarize } from './summary.js';
export type * from './types.js';
