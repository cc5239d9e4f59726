export { type BuiltKernel, buildKernel, type KernelRequest } from './kernel/build.js';
export { type LabEngine, type LabRun, runInLab } from './machine/lab.js';
export type { LabOutcome } from './machine/outcome.js';
export { makeScratch, removeScratch } from './machine/scratch.js';
export { sweepLab } from './sweep.js';
