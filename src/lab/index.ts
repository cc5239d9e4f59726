export { labError } from './exec.js';
export { identifyImage } from './image/identity.js';
export { type LabInventory, labInventory } from './inventory.js';
export { type BuiltKernel, buildKernel } from './kernel/build.js';
export { type LabEngine, type LabRun, runInLab } from './machine/lab.js';
export type { LabOutcome } from './machine/outcome.js';
export { makeScratch, removeScratch } from './scratch.js';
export { sweepLab } from './sweep.js';
