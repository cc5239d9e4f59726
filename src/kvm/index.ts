export { Device, type DeviceAttr } from './device.js';
export { KvmError, type KvmErrorCode } from './errors.js';
export { EventFd, KvmFile } from './file.js';
export { type DirtyPage, DirtyRing } from './layout/dirty-ring.js';
export type { VcpuExit } from './layout/exits.js';
export { KvmRun } from './layout/kvm-run.js';
export type { GsiRoute, MsrFilter, MsrFilterRange } from './layout/vm-structs.js';
export { type FileOptions, HostMemory, type MemoryOptions } from './memory.js';
export { Stats } from './stats.js';
export { type CpuidEntry, Kvm, type MsrEntry } from './system.js';
export * from './uapi.js';
export {
  type DebugRegs,
  type DescriptorTable,
  kickVcpu,
  type Regs,
  type Segment,
  type Sregs,
  Vcpu,
  type VcpuEvents,
} from './vcpu.js';
export { Iommufd, VfioContainer, VfioDevice, VfioGroup } from './vfio.js';
export { type IoEvent, type MemoryRegion, type MemoryRegion2, Vm } from './vm.js';
