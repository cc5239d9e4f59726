import type { Policy } from '../memtype/index.js';
import type { Environment } from '../recording/recording.js';
import type { Need } from '../scenario/types.js';

/** What of a machine bears on what can be exercised there. */
export type CoveredMachine = Pick<Environment, 'missing' | 'params'>;

/** Values of dimensions, by the dimension's name; `*` is all of them. */
type Values = Readonly<Record<string, readonly string[] | '*'>>;

/** Pairs that no scenario can exercise, and why: any value of `one` with any of `other`, or with everything. */
export interface Impossible {
  readonly one: Values;
  readonly other?: Values;
  readonly reason: string;
  /** The kernels that it is true of; all if not told. */
  readonly of?: (policy: Policy) => boolean;
}

const looksUpMtrrs = ({ era }: Policy): boolean => era === 'A' || era === 'B';
const ignoresMtrrs = (policy: Policy): boolean => !looksUpMtrrs(policy);
const hasPatQuirk = ({ era }: Policy): boolean => era === 'E';
const disablesCdQuirk = ({ quirks }: Policy): boolean => (quirks.disabledAtCreation & 2) !== 0;

const MTRR_SOURCES = ['mtrrs-off', 'fixed', 'variable', 'overlap', 'default'];
const MEMORY = ['plain', 'large', 'small of large', 'read-only', 'logged', 'device'];
const RAM_SOURCES = ['coherent', 'cd', ...MTRR_SOURCES, 'dma', 'self-snoop', 'quirk', 'flag'];
const NOT_NEVER = ['early', 'late', 'gone', 'again'];
const BY_STEP = ['read-only', 'logged', 'device'];

/** What no kernel can do, and what these scenarios leave alone, said as it is. */
const ALWAYS: readonly Impossible[] = [
  {
    one: { outcome: ['exit'], source: ['none'], page: ['hole'] },
    other: { outcome: ['made', 'again', 'kept', 'stale'], source: [...RAM_SOURCES, 'device'] },
    reason: 'an access that leaves the guest has no leaf, and any other one has',
  },
  {
    one: { outcome: ['exit'], source: ['none'] },
    other: { page: ['plain', 'large', 'small of large', 'logged', 'device'] },
    reason: 'memory that may be accessed so is mapped',
  },
  {
    one: { outcome: ['exit'], source: ['none'], page: ['hole'] },
    other: { access: ['fetch'] },
    reason: 'KVM cannot emulate an instruction that it cannot fetch: the guest would die',
  },
  {
    one: { outcome: ['exit'], source: ['none', 'device'], page: ['hole', ...BY_STEP] },
    other: { place: ['first MiB'] },
    reason: 'the memslot of the guest’s own RAM is there',
  },
  {
    one: { source: ['device'] },
    other: { page: MEMORY.filter((page) => page !== 'device') },
    reason: 'only a device’s page has its type from being one',
  },
  {
    one: { page: ['device'] },
    other: { source: RAM_SOURCES },
    reason: 'a device’s page has its type from being one',
  },
  {
    one: { source: ['device'], page: ['device'] },
    other: { access: ['write', 'fetch'] },
    reason: 'a PCI BAR is only read: a write might change the device',
  },
  {
    one: { source: ['device'], page: ['device'] },
    other: { outcome: ['stale'] },
    reason: 'a device’s page is uncached whatever changes',
  },
  {
    one: { guest: ['L2'] },
    other: { page: ['logged'], change: ['log'] },
    reason: 'not driven: what dirty logging does to leaves of the guest’s guest is not modelled',
  },
  {
    one: { guest: ['L2'] },
    other: { page: ['hole'], source: ['none'], outcome: ['exit'] },
    reason: 'not driven: exits of the guest’s guest to the VMM are not modelled',
  },
  {
    one: { guest: ['L2'] },
    other: { access: ['fetch'] },
    reason: 'not driven: the guest’s guest fetches its own code alone',
  },
  {
    one: { change: ['none'] },
    other: { DMA: NOT_NEVER, CD: ['of another', 'was set'], MTRRs: ['on', 'fixed too'] },
    reason: 'it takes a change to come there',
  },
  {
    one: { change: ['none'] },
    other: {
      page: [...BY_STEP, 'small of large'],
      source: ['device', 'cd', ...MTRR_SOURCES, 'dma', 'quirk', 'flag'],
    },
    reason: 'it takes a change to come there',
  },
  {
    one: { change: ['none'] },
    other: { quirks: ['CD off', 'PAT off', 'both off'], outcome: ['again', 'stale'] },
    reason: 'it takes a change to come there',
  },
  {
    one: { DMA: ['never'] },
    other: { change: ['DMA'], source: ['cd', 'dma', ...MTRR_SOURCES] },
    reason: 'that asks for a device, and there was none',
  },
  {
    one: { DMA: ['early'] },
    other: { source: ['coherent', 'quirk'] },
    reason: 'the device was there before the first leaf',
  },
  {
    one: { source: ['fixed'] },
    other: { place: ['from 4 GiB'], page: BY_STEP },
    reason: 'fixed ranges end at 1 MiB, where the guest’s own RAM is',
  },
];

/** What kernels of some policies cannot do. */
const BY_POLICY: readonly Impossible[] = [
  {
    one: { source: ['cd', ...MTRR_SOURCES] },
    reason: 'from 6.11 on neither guest MTRRs nor CR0.CD decide a type',
    of: ignoresMtrrs,
  },
  {
    one: { source: ['dma'] },
    reason: 'up to 6.10 non-coherent DMA leaves the type to guest MTRRs and CR0.CD',
    of: looksUpMtrrs,
  },
  {
    one: { source: ['quirk'], quirks: ['PAT off', 'both off'] },
    reason: 'the kernel has no quirk IGNORE_GUEST_PAT',
    of: (policy) => !hasPatQuirk(policy),
  },
  {
    one: { source: ['self-snoop'] },
    reason: 'only release candidates of 6.11 looked at self-snoop',
    of: ({ era }) => era !== 'C',
  },
  {
    one: { source: ['flag'] },
    reason: 'the kernel does not know the memslot flag of the proposal',
    of: ({ memslotFlag }) => !memslotFlag,
  },
  {
    one: { quirks: ['CD off', 'both off'] },
    reason: 'CD_NW_CLEARED is disabled from the start',
    of: disablesCdQuirk,
  },
  {
    one: { source: ['quirk'] },
    other: { quirks: ['as created'] },
    reason: 'a quirk that was disabled stays so',
    of: hasPatQuirk,
  },
  {
    one: { DMA: ['never'] },
    other: { outcome: ['stale'] },
    reason: 'without non-coherent DMA every leaf of RAM is the same',
    of: (policy) => !hasPatQuirk(policy),
  },
  {
    one: { outcome: ['stale'] },
    other: { quirks: ['as created'], source: ['dma', 'quirk'], DMA: ['early'] },
    reason: 'only leaves from before IGNORE_GUEST_PAT was disabled stay as none would be made',
    of: hasPatQuirk,
  },
  {
    one: { place: ['first MiB'] },
    other: { page: ['small of large'] },
    reason: 'guest RAM in huge pages has large leaves, whatever MTRRs say',
    of: ignoresMtrrs,
  },
];

/** Values that only a machine has that meets a need. */
const BY_NEED: readonly (readonly [Need, Values])[] = [
  ['nested', { guest: ['L2'] }],
  ['pci-bar', { page: ['device'], source: ['device'] }],
  ['huge-pages', { page: ['large', 'small of large'] }],
  ['noncoherent', { DMA: NOT_NEVER, change: ['DMA'], source: ['cd', ...MTRR_SOURCES, 'dma'] }],
];

const NO_LARGE_CODE: Impossible = {
  one: { page: ['large'] },
  other: { access: ['fetch'] },
  reason: 'kvm.nx_huge_pages is in force: code is mapped by small leaves',
};

/** What cannot be on one machine. */
function impossibleOn({ missing, params }: CoveredMachine): Impossible[] {
  const lacking = BY_NEED.flatMap(([need, one]) => {
    const why = missing[need];
    return why === undefined ? [] : [{ one, reason: `not here: ${why.reason}` }];
  });
  return params['kvm.nx_huge_pages'] === 'Y' ? [...lacking, NO_LARGE_CODE] : lacking;
}

/** What cannot be on kernels of a policy, on a machine that has all, unless one is named. */
export const impossibleFor = (policy: Policy, machine?: CoveredMachine): readonly Impossible[] => [
  ...[...ALWAYS, ...BY_POLICY].filter(({ of }) => of?.(policy) ?? true),
  ...(machine === undefined ? [] : impossibleOn(machine)),
];
