export { lcovOf } from './lcov.js';
export { Counters } from './read.js';
export { codeText, patchText, type SourceLine } from './text.js';
