export { type BuiltKernel, buildKernel, type KernelRequest } from './kernel.js';
export { type LabEngine, type LabRun, runInLab } from './lab.js';
export type { LabOutcome } from './outcome.js';
export { makeScratch, removeScratch } from './scratch.js';
export { sweepLab } from './sweep.js';
