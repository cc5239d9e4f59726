export { type AnsweringKernel, expectedAnswer } from './answers/answers.js';
export { ERRATA, type Erratum, type ErratumId } from './errata.js';
export {
  type ArchExplanation,
  compareAll,
  type Explanation,
  explainArch,
  explainPage,
  INITIAL_SITUATION,
  type Situation,
} from './explain.js';
export {
  LINUX_MAPPINGS,
  type LinuxMapping,
  linuxSeries,
} from './guest-os/linux.js';
export { BACKING_NAMES, type BackingName, hostMmioOf } from './map/backing.js';
export { foldRanges, type Piece } from './map/fold.js';
export { explainRegions, inSlot, linuxAt, type Memory, type Region, sameRegion } from './map/regions.js';
export { type FirstTouch, firstTouches } from './map/sharing.js';
export { type Slot, SlotMap } from './map/slots.js';
export {
  type AccessEvent,
  type Effect,
  emptyEffect,
  isRefusal,
  type MemslotEvent,
  ModelError,
  type ModelEvent,
  type MsrAnswer,
  type MsrRefusal,
} from './model/events.js';
export { type Leaf, leafRange } from './model/leaves.js';
export { VcpuModel } from './model/vcpu.js';
export { VmModel } from './model/vm-model.js';
export type { ModelOptions } from './model/vm-state.js';
export { ALL_POLICIES, policies } from './policies/index.js';
export { mayRepeatGp } from './policies/msr-routing.js';
export { supportedQuirks } from './policies/quirks.js';
export { refusals } from './policies/refusals.js';
export {
  findPolicy,
  isBefore,
  isRedHat,
  NEWEST_POLICY,
  policyAssumption,
  policyForVersion,
  policyWithPaging,
  UnknownPolicyError,
} from './policies/versions.js';
export type {
  Decision,
  Era,
  PageView,
  Policy,
  ProposalName,
  VcpuView,
  VersionPrefix,
  VersionRange,
  VmView,
} from './policy.js';
export { review, wantsOf } from './review/review.js';
export type { Finding, NamedRange, Setup } from './review/types.js';
export { hex, rangesText, sizeText } from './review/words.js';
export {
  checkedMsr,
  type FixedConfig,
  type MsrWrite,
  type MtrrConfig,
  MtrrConfigError,
  mtrrWrites,
  replayWrites,
  type VariableConfig,
} from './sdm/config.js';
export { effectiveType } from './sdm/effective.js';
export { describeMsr, faultOf, missingMtrr } from './sdm/msr-fault.js';
export * from './sdm/msrs.js';
export { archMtrrType, fixedMsrFrames, MtrrState, mtrrCursors } from './sdm/mtrr.js';
export { patType } from './sdm/pat.js';
export { type MappedRange, mapRanges } from './sdm/ranges.js';
export { type Solution, solveMtrrs } from './solve/solve.js';
export type { Want } from './solve/wanted.js';
export { decodeSpte, type SpteReading } from './spte/decode.js';
export { makersOf, makersOfEntry } from './spte/makers.js';
export type { ArchType, LeafType, Rule, TypeSource, VmType } from './types.js';
export { hasVmType, VM_TYPES } from './vm-types.js';
