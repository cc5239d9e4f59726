/**
 * KVM from Node, and what memory types it should give a guest.
 *
 * - Typed classes over /dev/kvm: start with `Kvm.open()`.
 * - A small virtual machine monitor on top of them: make a `Machine`, put devices on its buses, `bootGuest()` an image and `run()` it.
 * - A probe guest: `Probe.boot()` it in a machine, and have it access memory and MSRs by `exec()`.
 * - Scenarios: write one with `scenario()` and its steps (`mtrrs()`, `touch()`, …); a `Replay` tells what each step does, `parseScenario()` reads one
 *   from a file's text.
 * - The reference model: a `VmModel` under one of the `policies` tells which EPT leaf entries each event must make and zap.
 * - What was seen: `decodeLeaf()` reads the memory type of an SPTE, and `judge()` holds a recording against a policy.
 *
 * The programs in examples/ each show one thing.
 * @module
 */

export type { CountedWay, DmaWay } from './arch/dma-ways.js';
export { type MemType, MT, memTypeName, type PatType, typeBytes } from './arch/memory-types.js';
export { defType, MSR, msrName } from './arch/msrs.js';
export { type GfnRange, gfnOf, gpaOf, type Level } from './arch/units.js';
export type { Move, SeenLeaf } from './check/evidence/index.js';
export { judge } from './check/judge.js';
export type { Checks, Mismatch, Note, Verdict } from './check/verdict.js';
export type { Watch, WatchedStep } from './check/watch/watch.js';
export {
  type CpuidEntry,
  type DebugRegs,
  type DescriptorTable,
  Device,
  type DeviceAttr,
  type DirtyPage,
  DirtyRing,
  EventFd,
  type FileOptions,
  type GsiRoute,
  HostMemory,
  type IoEvent,
  Iommufd,
  Kvm,
  KvmError,
  type KvmErrorCode,
  KvmFile,
  KvmRun,
  kickVcpu,
  type MemoryOptions,
  type MemoryRegion,
  type MemoryRegion2,
  type MsrEntry,
  type MsrFilter,
  type MsrFilterRange,
  type Regs,
  type Segment,
  type Sregs,
  Stats,
  Vcpu,
  type VcpuEvents,
  type VcpuExit,
  VfioContainer,
  VfioDevice,
  VfioGroup,
  Vm,
} from './kvm/index.js';
export * from './kvm/uapi.js';
export {
  type AccessEvent,
  ALL_POLICIES,
  type Decision,
  type Effect,
  ERRATA,
  type Era,
  type Erratum,
  type ErratumId,
  effectiveType,
  findPolicy,
  type Leaf,
  type LeafType,
  type MemslotEvent,
  ModelError,
  type ModelEvent,
  type ModelOptions,
  type MtrrMsr,
  MtrrState,
  NEWEST_POLICY,
  type PageView,
  type Policy,
  type ProposalName,
  patType,
  policies,
  policyForVersion,
  type Rule,
  UnknownPolicyError,
  type VcpuView,
  type VersionPrefix,
  type VersionRange,
  VmModel,
  type VmView,
} from './memtype/index.js';
export type {
  HostMemoryEvent,
  MsrAccess,
  MsrAnswer,
  MsrRefusal,
  NestedAccessEvent,
  PreFaultEvent,
} from './memtype/model/events.js';
export type { HostAccess, HostPageChange } from './memtype/model/host-pages.js';
export type { HugeLeafRules, MsrRules, QuirkRules, StaleCause, ZapRules } from './memtype/policy.js';
export type { VariableRange } from './memtype/sdm/mtrr.js';
export type { FramePattern } from './memtype/sdm/ranges.js';
export type { TypeSource } from './memtype/types.js';
export { parseTrace, TraceError, type TraceEvent } from './observe/events.js';
export { decodeLeaf, type LeafBits, type Presence } from './observe/spte.js';
export type { Walk } from './observe/walk.js';
export {
  type FarAddress,
  Probe,
  ProbeBootError,
  type ProbeCommand,
  type ProbeFault,
  ProbeProtocolError,
  type ProbeResult,
  probeRamSize,
  WINDOW_SIZE,
  type Width,
  windowAddress,
} from './probe/index.js';
export type { AgentErrorCode } from './recording/error-codes.js';
export type { KernelLogRecord } from './recording/kernel-log.js';
export type {
  Environment,
  MsrExit,
  MsrResult,
  OwnPages,
  Recording,
  RecordingHead,
  Restored,
  StepPart,
  StepRecord,
  UnfinishedRecording,
} from './recording/recording.js';
export {
  cd,
  deleteMemslot,
  disableQuirk,
  discard,
  type MtrrRange,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  physMask,
  rdmsr,
  scenario,
  touch,
  touchMany,
  virtio,
  wrmsr,
} from './scenario/builder.js';
export { describeStep } from './scenario/describe.js';
export { parseScenario, ScenarioFileError } from './scenario/file/parse.js';
export { printScenario } from './scenario/file/print.js';
export type { MsrRoutes } from './scenario/msr-routes.js';
export { type KernelFeatures, Replay, type Taken } from './scenario/replay.js';
export { type BrokenRule, brokenRules } from './scenario/rules.js';
export type { SlotMemory } from './scenario/slot-replay.js';
export type {
  Actor,
  AskStep,
  Claims,
  DirtyLogStep,
  DisableQuirkStep,
  FilterRange,
  HostMemoryStep,
  IoctlResult,
  LaneStep,
  MemslotFlag,
  MemslotStep,
  MsrExitReason,
  MsrFilterStep,
  MsrMode,
  MsrOp,
  MsrsStep,
  Need,
  NestedAccessStep,
  NoncoherentStep,
  PreFaultStep,
  QuirkName,
  RestoreStep,
  Scenario,
  Step,
  TogetherStep,
  VirtioStep,
} from './scenario/types.js';
export type { Missing } from './text/missing.js';
export {
  type BootEntry,
  type BootInput,
  Bus,
  type BusDevice,
  BusRangeError,
  bootGuest,
  type GuestCpuid,
  GuestExitError,
  GuestImageError,
  GuestRunError,
  type GuestState,
  GuestTimeoutError,
  guestCpuid,
  type LoggedExit,
  Machine,
  MachineOptionError,
  type MachineOptions,
  MEMORY_TYPE_MSRS,
  MemoryTypeMsrs,
  type Memslot,
  type MsrAction,
  MsrExits,
  type MsrHandler,
  type MsrLogEntry,
  type MsrReason,
  maxPhyAddrOf,
  Pc,
  type PcEnd,
  type PcOptions,
  type RunEnd,
  Serial16550,
  startAt,
  validMemoryTypeWrite,
} from './vmm/index.js';
