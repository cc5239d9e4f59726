export type { BootEntry, BootInput } from './boot/entry.js';
export { bootGuest, startAt } from './boot/index.js';
export { Bus, type BusDevice, BusRangeError } from './bus.js';
export { type GuestCpuid, guestCpuid, maxPhyAddrOf } from './cpuid.js';
export { Serial16550 } from './devices/serial.js';
export {
  GuestExitError,
  GuestImageError,
  GuestRunError,
  type GuestState,
  GuestTimeoutError,
  MachineOptionError,
} from './errors.js';
export type { LoggedExit } from './exit-log.js';
export { Machine, type MachineOptions, type Memslot } from './machine.js';
export {
  MemoryTypeMsrs,
  type MsrAction,
  MsrExits,
  type MsrHandler,
  type MsrLogEntry,
  type MsrReason,
} from './msr.js';
export { MEMORY_TYPE_MSRS, validMemoryTypeWrite } from './mtrr-valid.js';
export { Pc, type PcEnd, type PcOptions } from './pc.js';
export type { RunEnd } from './run-loop.js';
