import { MSR } from '../../arch/msrs.js';
import type { Situation } from '../explain.js';
import { describeMsr } from '../sdm/msr-fault.js';
import { classifyMsr, type MtrrMsr } from '../sdm/msrs.js';
import { fixedMsrFrames } from '../sdm/mtrr.js';
import { overlaps } from '../sdm/ranges.js';
import type { Found, ReviewRule, Setup } from './types.js';
import { hex, listText } from './words.js';

const MTRR_MSRS: readonly number[] = Array.from({ length: MSR.DEF_TYPE + 1 }, (_, msr) => msr).filter(
  (msr) => {
    const kind = classifyMsr(msr)?.kind;
    return kind !== undefined && kind !== 'pat' && kind !== 'cap';
  },
);

/** Whether the guest's MTRRs decide the type of its RAM: only kernels up to 6.10 ask them, with non-coherent DMA. */
export function mtrrsCount({ policy, vcpus: [first] }: Setup): boolean {
  return (
    (policy.era === 'A' || policy.era === 'B') &&
    policy.paging === 'ept' &&
    first?.situation.noncoherent === true
  );
}

const first = ({ vcpus }: Setup): Situation => (vcpus[0] as { situation: Situation }).situation;

const valueIn = ({ mtrr }: Situation, msr: number): bigint => mtrr.read(classifyMsr(msr) as MtrrMsr);

function disabled(setup: Setup): Found[] {
  return setup.vcpus
    .filter(({ situation: { mtrr, mtrrCpuid } }) => !mtrr.enabled && mtrrCpuid)
    .map(({ who, situation }) => {
      const fresh = MTRR_MSRS.every((msr) => valueIn(situation, msr) === 0n);
      const state = fresh
        ? 'all MTRRs are 0, as after a reset, or a restore that left them out'
        : 'the MTRRs are off (E=0)';
      return mtrrsCount(setup)
        ? {
            severity: 'error',
            text: `${who}: ${state}: with non-coherent DMA this kernel makes all of its RAM UC`,
          }
        : { text: `${who}: ${state}: the SDM has all of its memory UC; this kernel does not ask` };
    });
}

/** The MTRRs that are told: of fixed ranges that are not, a vCPU may have any. */
const toldMsrs = ({ untold = [] }: Setup): readonly number[] =>
  MTRR_MSRS.filter((msr) => {
    const { kind, index } = classifyMsr(msr) as MtrrMsr;
    return kind !== 'fixed' || !untold.some((range) => overlaps(range, fixedMsrFrames(index)));
  });

function disagree(setup: Setup): Found[] {
  const [one, ...others] = setup.vcpus;
  if (one === undefined) return [];
  const msrs = toldMsrs(setup);
  return others.flatMap(({ who, situation }) => {
    const { pat } = one.situation;
    const differing = msrs.filter((msr) => valueIn(situation, msr) !== valueIn(one.situation, msr));
    const texts = differing.map(
      (msr) =>
        `${describeMsr(msr)} is ${hex(valueIn(situation, msr))}, not ${hex(valueIn(one.situation, msr))}`,
    );
    if (situation.pat !== pat) texts.push(`IA32_PAT is ${hex(situation.pat)}, not ${hex(pat)}`);
    if (texts.length === 0) return [];
    const decides = mtrrsCount(setup) && differing.length > 0;
    const effect = decides ? ': on this kernel the first vCPU to touch a page decides for all (P3)' : '';
    return [
      {
        severity: decides ? 'error' : 'warning',
        text: `${who} and ${one.who} differ: ${listText(texts)}${effect}`,
      },
    ];
  });
}

function cacheDisabled(setup: Setup): Found[] {
  return setup.vcpus
    .filter(({ situation }) => situation.cd)
    .map(({ who }) => ({
      text: `${who}: CR0.CD is 1${mtrrsCount(setup) ? ': pages that it touches first keep the type of that after CD=0 (s2)' : ''}`,
    }));
}

function strangeDefault(setup: Setup): Found[] {
  const { mtrr } = first(setup);
  const { enabled, defaultType } = mtrr;
  if (!enabled || defaultType === 'UC' || defaultType === 'WB') return [];
  return [{ text: `the default type is ${defaultType}` }];
}

/** Rules that look at registers, whatever they make of the memory. */
export const REGISTER_RULES: readonly ReviewRule[] = [
  {
    name: 'mtrrs-off',
    severity: 'note',
    source: 'SDM, "IA32_MTRR_DEF_TYPE MSR"; mtrr_disabled_type(), up to 6.10',
    advice:
      'have firmware or VMM set IA32_MTRR_DEF_TYPE to 0x806 (all WB), or pairs, before the guest runs; after a restore too: KVM_GET_MSR_INDEX_LIST names no MTRR, ' +
      'so a VMM must save 0x200 to 0x20f, 0x250, 0x258, 0x259, 0x268 to 0x26f and 0x2ff by number',
    find: disabled,
  },
  {
    name: 'vcpus-differ',
    severity: 'warning',
    source: 'SDM, "MTRR Considerations in MP Systems"',
    advice: 'write the same MTRRs and PAT on every vCPU',
    find: disagree,
  },
  {
    name: 'cache-disabled',
    severity: 'warning',
    source: 'SDM, "Cache Control Registers and Bits"; kvm_post_set_cr0(), up to 6.10',
    advice: 'clear CR0.CD once the MTRRs are set',
    find: cacheDisabled,
  },
  {
    name: 'default-type',
    severity: 'warning',
    source: 'SDM, "IA32_MTRR_DEF_TYPE MSR"',
    advice: 'take UC as the default type with WB ranges over RAM, or WB with UC ranges over device memory',
    find: strangeDefault,
  },
];
