export {
  checkedMsr,
  type FixedConfig,
  type MsrWrite,
  type MtrrConfig,
  MtrrConfigError,
  mtrrWrites,
  replayWrites,
  type VariableConfig,
} from './arch/config.js';
export { type EffectiveCell, effectiveCell, effectiveType } from './arch/effective.js';
export { describeMsr, faultOf, type MsrFault } from './arch/msr-fault.js';
export * from './arch/msrs.js';
export { archMtrrType, archTypeMap, MtrrState } from './arch/mtrr.js';
export { type PatBits, type PteKind, patBits, patIndex, patType } from './arch/pat.js';
export { type MappedRange, mapRanges } from './arch/ranges.js';
export { ERRATA, type Erratum, type ErratumId } from './errata.js';
export {
  type ArchExplanation,
  compareAll,
  type Explanation,
  explainArch,
  explainMap,
  explainPage,
  type MapEntry,
  type Situation,
} from './explain.js';
export {
  type AccessEvent,
  type Effect,
  emptyEffect,
  MEM_LOG_DIRTY_PAGES,
  MEM_READONLY,
  type MemslotEvent,
  ModelError,
  type ModelEvent,
} from './model/events.js';
export { type Leaf, leafRange } from './model/leaves.js';
export { VmModel } from './model/vm-model.js';
export type { ModelOptions } from './model/vm-state.js';
export { ALL_POLICIES, policies } from './policies/index.js';
export {
  QUIRK_CD_NW_CLEARED,
  QUIRK_IGNORE_GUEST_PAT,
  QUIRK_SLOT_ZAP_ALL,
  supportedQuirks,
} from './policies/quirks.js';
export { refusals } from './policies/refusals.js';
export {
  findPolicy,
  type KernelVersion,
  NEWEST_POLICY,
  policyAssumption,
  policyForVersion,
  policyWithPaging,
  readVersion,
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
export * from './types.js';
