export { Device, type DeviceAttr } from './device.js';
export { type DirtyPage, DirtyRing } from './dirty-ring.js';
export { KvmError, type KvmErrorCode } from './errors.js';
export type { VcpuExit } from './exits.js';
export { EventFd, KvmFile } from './file.js';
export { KvmRun } from './kvm-run.js';
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
export type { GsiRoute, MsrFilter, MsrFilterRange } from './vm-structs.js';
