import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { buildCommand } from './build-hint.js';
import { ROOT } from './built-files.js';
import { KvmError, type KvmErrorCode } from './errors.js';

// The one place that knows of the addon: what native/ exports, as TypeScript sees it. Structs cross the boundary
// as bytes in the kernel's layout; files and containers cross as their `number()`. Every method throws KvmError.

/** Anything that owns an fd or a mapping. */
export interface NativeHandle {
  close(): void;
  closed(): boolean;
}

/** KVM_HAS/GET/SET_DEVICE_ATTR. At most 4096 bytes of value are passed. */
export interface NativeAttrs {
  hasAttr(group: number, attr: bigint, value?: Uint8Array): number;
  getAttr(group: number, attr: bigint, value?: Uint8Array): number;
  setAttr(group: number, attr: bigint, value?: Uint8Array): number;
}

export interface NativeSystem extends NativeHandle, NativeAttrs {
  apiVersion(): number;
  checkExtension(cap: number): number;
  vcpuMmapSize(): number;
  supportedCpuid(cpuid2: Uint8Array): number;
  emulatedCpuid(cpuid2: Uint8Array): number;
  msrIndexList(list: Uint8Array): number;
  msrFeatureIndexList(list: Uint8Array): number;
  getMsrs(msrs: Uint8Array): number;
  createVm(type: number): NativeVm;
}

export interface NativeVm extends NativeHandle, NativeAttrs {
  number(): number;
  checkExtension(cap: number): number;
  enableCap(cap: Uint8Array): number;
  createVcpu(id: number): NativeVcpu;
  /** undefined with KVM_CREATE_DEVICE_TEST */
  createDevice(type: number, flags: number): NativeDevice | undefined;
  createGuestMemfd(size: bigint, flags: bigint): NativeFile;
  setUserMemoryRegion(slot: number, flags: number, gpa: bigint, size: bigint, userspaceAddr: bigint): number;
  setUserMemoryRegion2(
    slot: number,
    flags: number,
    gpa: bigint,
    size: bigint,
    userspaceAddr: bigint,
    guestMemfd: number | undefined,
    guestMemfdOffset: bigint | undefined,
  ): number;
  getDirtyLog(slot: number, bitmap: Uint8Array): number;
  clearDirtyLog(slot: number, firstPage: number, pages: number, bitmap: Uint8Array): number;
  setMsrFilter(filter: Uint8Array, bitmaps: Uint8Array): number;
  irqfd(eventfd: number, gsi: number, flags: number, resample: number | undefined): number;
  ioeventfd(eventfd: number, datamatch: bigint, addr: bigint, len: number, flags: number): number;
  statsFd(): NativeFile;
  setTssAddr(address: number): number;
  setIdentityMapAddr(address: Uint8Array): number;
  setBootCpuId(id: number): number;
  setNrMmuPages(pages: number): number;
  createIrqchip(): number;
  getIrqchip(irqchip: Uint8Array): number;
  setIrqchip(irqchip: Uint8Array): number;
  createPit2(config: Uint8Array): number;
  getPit2(state: Uint8Array): number;
  setPit2(state: Uint8Array): number;
  irqLine(level: Uint8Array): number;
  signalMsi(msi: Uint8Array): number;
  setGsiRouting(routing: Uint8Array): number;
  registerCoalescedMmio(zone: Uint8Array): number;
  unregisterCoalescedMmio(zone: Uint8Array): number;
  getClock(clock: Uint8Array): number;
  setClock(clock: Uint8Array): number;
  resetDirtyRings(): number;
  setMemoryAttributes(attributes: Uint8Array): number;
}

export interface NativeVcpu extends NativeHandle, NativeAttrs {
  number(): number;
  /** kvm_run and the pages behind it; zeros after close(). */
  runBuffer(): ArrayBuffer;
  /** the vCPU's struct kvm_dirty_gfn ring; zeros after close() */
  dirtyRing(): ArrayBuffer;
  /** errno, or EINTR with NATIVE_TIMED_OUT or NATIVE_KICKED */
  enter(budgetMs: number): number;
  /** a function that does as enter() under the rest of its budget, but returns undefined for 0 */
  resumer(): () => number | undefined;
  complete(): number;
  /** Make a thread ready for one KVM_RUN; enter(), resume and complete() are refused until finish(). */
  begin(budgetMs: number): void;
  /** Let that thread enter the guest. */
  go(): void;
  /** Wait for the end of that run; as enter() */
  finish(): number;
  enableCap(cap: Uint8Array): number;
  getRegs(regs: Uint8Array): number;
  setRegs(regs: Uint8Array): number;
  getSregs(sregs: Uint8Array): number;
  setSregs(sregs: Uint8Array): number;
  getFpu(fpu: Uint8Array): number;
  setFpu(fpu: Uint8Array): number;
  getXcrs(xcrs: Uint8Array): number;
  setXcrs(xcrs: Uint8Array): number;
  xsaveSize(): number;
  getXsave(xsave: Uint8Array): number;
  setXsave(xsave: Uint8Array): number;
  getDebugRegs(regs: Uint8Array): number;
  setDebugRegs(regs: Uint8Array): number;
  getMsrs(msrs: Uint8Array): number;
  setMsrs(msrs: Uint8Array): number;
  getCpuid2(cpuid2: Uint8Array): number;
  setCpuid2(cpuid2: Uint8Array): number;
  getMpState(state: Uint8Array): number;
  setMpState(state: Uint8Array): number;
  getVcpuEvents(events: Uint8Array): number;
  setVcpuEvents(events: Uint8Array): number;
  getLapic(lapic: Uint8Array): number;
  setLapic(lapic: Uint8Array): number;
  nmi(): number;
  smi(): number;
  interrupt(interrupt: Uint8Array): number;
  setGuestDebug(debug: Uint8Array): number;
  setTscKhz(khz: number): number;
  getTscKhz(): number;
  kvmclockCtrl(): number;
  translate(translation: Uint8Array): number;
  preFaultMemory(range: Uint8Array, budgetMs: number): number;
  statsFd(): NativeFile;
}

export interface NativeDevice extends NativeHandle, NativeAttrs {}

export interface NativeMemory extends NativeHandle {
  buffer(): ArrayBuffer;
  address(): bigint;
  size(): number;
  number(): number;
  dontNeed(offset: number, size: number): void;
  unmapPart(offset: number, size: number): void;
  protectPart(offset: number, size: number, writable: boolean): void;
}

export interface NativeFile extends NativeHandle {
  fd(): number;
  number(): number;
  read(buffer: Uint8Array): number;
  readAt(buffer: Uint8Array, offset: number): number;
  write(buffer: Uint8Array): number;
}

export interface NativeVfioContainer extends NativeHandle {
  number(): number;
  apiVersion(): number;
  checkExtension(extension: number): number;
  setIommu(type: number): number;
  mapDma(flags: number, iova: bigint, size: bigint, userspaceAddr: bigint): number;
  unmapDma(iova: bigint, size: bigint): bigint;
}

export interface NativeVfioGroup extends NativeHandle {
  fd(): number;
  getStatus(status: Uint8Array): number;
  setContainer(container: number): number;
  unsetContainer(): number;
  openDevice(name: string): NativeFile;
}

export interface NativeVfioDevice extends NativeHandle {
  fd(): number;
  bind(iommufd: number): number;
  attach(attach: Uint8Array): number;
}

export interface NativeAddon {
  init(errorClass: new (code: KvmErrorCode, operation: string, errno: number, detail: string) => Error): void;
  openSystem(path: string): NativeSystem;
  attachVm(number: number): NativeVm;
  createMemory(
    backing: 'memfd' | 'anonymous',
    size: number,
    align: number,
    hugeShift: number,
    thp: boolean,
    populate: boolean,
  ): NativeMemory;
  mapFile(path: string, offset: number, size: number, writable: boolean, shared: boolean): NativeMemory;
  attachMemory(number: number): NativeMemory;
  kickVcpu(number: number): boolean;
  readNow(fd: number, buffer: Uint8Array): number;
  scheduleIdle(thread: number, isIdle: boolean): boolean;
  createEventFd(): NativeFile;
  openVfioContainer(path: string): NativeVfioContainer;
  openVfioGroup(path: string): NativeVfioGroup;
  openVfioDevice(path: string): NativeVfioDevice;
  openIommufd(path: string): NativeFile;
  allocateIoas(iommufd: number): number;
}

/** Flags that enter() adds to its errno (native/vcpu.cc). */
export const NATIVE_TIMED_OUT = 1 << 16;
export const NATIVE_KICKED = 1 << 17;

function load(): NativeAddon {
  const require = createRequire(import.meta.url);
  // Another build, such as the sanitizers', is named by its file.
  const file = process.env.KVM_MEMTYPE_ADDON;
  try {
    const addon: NativeAddon = file ? require(resolve(file)) : require('node-gyp-build')(ROOT);
    addon.init(KvmError);
    return addon;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new KvmError('KVM_ADDON', 'loading the addon', 2, `build it with: ${buildCommand()} (${why})`);
  }
}

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded on the first call.
 * @throws KvmError `KVM_ADDON` if it is not built
 */
export function native(): NativeAddon {
  loaded ??= load();
  return loaded;
}
