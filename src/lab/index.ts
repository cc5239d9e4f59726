export { cacheRoot, openCache } from './cache.js';
export { buildEmulator } from './emulator/build.js';
export { builtEmulator } from './emulator/built.js';
export { labError } from './exec.js';
export { identifyImage } from './image/identity.js';
export type { GuestFile } from './image/initramfs.js';
export { type LabInventory, labInventory } from './inventory.js';
export { type BuiltKernel, buildKernel } from './kernel/build.js';
export { checkoutOf, type GitOrigin, gitOrigin, originOf } from './kernel/origin.js';
export {
  type CountedKernel,
  countedKernel,
  mustHaveGenhtml,
  type ObjectCounters,
  readCounters,
  writePages,
} from './kernel/read-counters.js';
export { canRestore, runInLab } from './machine/lab.js';
export type { LabOutcome } from './machine/outcome.js';
export {
  JOB_DEVICE,
  type LabEngine,
  type LabRun,
  NEXT_JOB,
  type SnapshotUse,
  WITNESS_PLACE,
} from './machine/run.js';
export { areKept, keepMachines } from './machine/waiting.js';
export { makeScratch, removeScratch } from './scratch.js';
export { sweepLab } from './sweep.js';
