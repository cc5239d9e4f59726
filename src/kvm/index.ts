export { KvmError, type KvmErrorCode } from './errors.js';
export { Device, type DeviceAttr } from './fd/device.js';
export { EventFd, KvmFile, readNow } from './fd/file.js';
export { Stats } from './fd/stats.js';
export { type CpuidEntry, Kvm, type MsrEntry } from './fd/system.js';
export {
  type DebugRegs,
  type DescriptorTable,
  kickVcpu,
  type Regs,
  type Segment,
  type Sregs,
  Vcpu,
  type VcpuEvents,
} from './fd/vcpu.js';
export { Iommufd, VfioContainer, VfioDevice, VfioGroup } from './fd/vfio.js';
export { type IoEvent, type MemoryRegion, type MemoryRegion2, Vm } from './fd/vm.js';
export { type DirtyPage, DirtyRing } from './layout/dirty-ring.js';
export type { VcpuExit } from './layout/exits.js';
export { KvmRun } from './layout/kvm-run.js';
export type { GsiRoute, MsrFilter, MsrFilterRange } from './layout/vm-structs.js';
export { type FileOptions, HostMemory, type MemoryOptions } from './memory.js';
export { scheduleIdle } from './threads.js';
export * from './uapi.js';
