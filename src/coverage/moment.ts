import type { Leaf, VcpuView, VmView } from '../memtype/index.js';
import type { SlotState } from '../memtype/model/memslots.js';
import type { NestedAccessStep, Step } from '../scenario/types.js';

type AccessStep = Extract<Step, { do: 'access' }> | NestedAccessStep;

/** What became of the page that an access reached. */
export type Outcome =
  | 'made' // a leaf came, the first of the page
  | 'again' // a leaf came where one had gone
  | 'kept' // a leaf was there, as a fault would make it now
  | 'stale' // a leaf was there, other than a fault would make it now
  | 'exit'; // none can be: the access leaves the guest

/** How it stands with non-coherent DMA, and since when. */
export type Coherence = 'never' | 'early' | 'late' | 'gone' | 'again';

/** What was changed last before an access. */
export type Change =
  | 'none'
  | 'default type'
  | 'range'
  | 'PAT'
  | 'CD'
  | 'DMA'
  | 'quirk'
  | 'slot'
  | 'log'
  | 'discard';

/** One access of a guest, and all that its page and the VM's state are at that moment. */
export interface Moment {
  readonly step: AccessStep;
  readonly vm: VmView;
  /** The vCPU that made the access. */
  readonly vcpu: VcpuView;
  /** Whether its CR0.CD was set before. */
  readonly hadCd: boolean;
  readonly slot: SlotState | undefined;
  /** The leaf that serves the access. */
  readonly leaf: Leaf | undefined;
  readonly outcome: Outcome;
  readonly coherence: Coherence;
  readonly change: Change;
}
