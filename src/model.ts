/**
 * The reference model alone: no native code, no I/O, nothing of Node.js. It runs in a browser.
 *
 * - Policies: `findPolicy()` takes a kernel version, `ALL_POLICIES` are all that there are.
 * - Registers: `mtrrWrites()` and `replayWrites()` make an `MtrrState` of MSR writes; `faultOf()` says why one would fault.
 * - One page: `explainPage()` tells type and IPAT of its leaf with the chain of rules, `explainArch()` what the SDM says, `compareAll()` every policy.
 * - Its map: `explainRegions()` with memslots (`SlotMap`) and what backs them; `foldRanges()` joins pieces that repeat.
 * - A set-up: `review()` finds what is wrong, `solveMtrrs()` the fewest MTRRs that give what is wanted.
 * - In time: a `VmModel` takes events one after another and tells what each makes and zaps.
 * - An entry of EPT: `decodeSpte()`, kernel by kernel; `makersOf()` the policies that make such a leaf.
 * - Linux as the guest: `linuxMapping()`.
 *
 * `examples/model.ts` shows most of it.
 * @module
 */

export { MEM_TYPES, type MemType, MT, PAT_TYPES, type PatType } from './arch/memory-types.js';
export { defType, MSR, PAT_RESET } from './arch/msrs.js';
export { type GfnRange, gfnOf, gpaOf, type Level } from './arch/units.js';
export type { MapEntry } from './memtype/explain.js';
export {
  type BeforeLinux,
  type LinuxMapped,
  type LinuxSeries,
  linuxMapping,
} from './memtype/guest-os/linux.js';
export {
  type AccessEvent,
  ALL_POLICIES,
  type ArchExplanation,
  type ArchType,
  BACKING_NAMES,
  type BackingName,
  compareAll,
  type Decision,
  decodeSpte,
  describeMsr,
  type Effect,
  ERRATA,
  type Era,
  type Erratum,
  type ErratumId,
  type Explanation,
  effectiveType,
  explainArch,
  explainPage,
  explainRegions,
  type Finding,
  type FixedConfig,
  faultOf,
  findPolicy,
  foldRanges,
  INITIAL_SITUATION,
  type Leaf,
  type LeafType,
  LINUX_MAPPINGS,
  type LinuxMapping,
  linuxSeries,
  type MappedRange,
  type Memory,
  type MemslotEvent,
  ModelError,
  type ModelEvent,
  type ModelOptions,
  type MsrAnswer,
  type MsrRefusal,
  type MsrWrite,
  type MtrrConfig,
  MtrrConfigError,
  type MtrrMsr,
  MtrrState,
  makersOf,
  mtrrWrites,
  type NamedRange,
  NEWEST_POLICY,
  type PageView,
  type Piece,
  type Policy,
  type ProposalName,
  patType,
  policies,
  policyAssumption,
  policyForVersion,
  type Region,
  type Rule,
  replayWrites,
  review,
  type Setup,
  type Situation,
  type Slot,
  SlotMap,
  type Solution,
  type SpteReading,
  sameRegion,
  solveMtrrs,
  type TypeSource,
  UnknownPolicyError,
  type VariableConfig,
  type VcpuView,
  type VersionPrefix,
  type VersionRange,
  VM_TYPES,
  VmModel,
  type VmType,
  type VmView,
  type Want,
  wantsOf,
} from './memtype/index.js';
export type { Backing, HostView } from './memtype/map/backing.js';
export type { Repeat } from './memtype/map/fold.js';
export type { LinuxGuest } from './memtype/map/regions.js';
export type { ReviewedVcpus, Severity } from './memtype/review/types.js';
export type { MsrFault } from './memtype/sdm/msr-fault.js';
export type { SolveOptions } from './memtype/solve/solve.js';
export type { LayoutReading, SpteKind } from './memtype/spte/decode.js';
export type { SpteBit, SpteLayout } from './memtype/spte/layouts.js';
