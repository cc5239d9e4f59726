import { KVM_X86_QUIRK_CD_NW_CLEARED, KVM_X86_QUIRK_IGNORE_GUEST_PAT } from '../../arch/kvm-flags.js';
import { MEM_TYPES, type MemType } from '../../arch/memory-types.js';
import { PAT_RESET } from '../../arch/msrs.js';
import { explainPage, type Situation } from '../explain.js';
import { ALL_POLICIES } from '../policies/index.js';
import { refusals } from '../policies/refusals.js';
import type { Policy } from '../policy.js';
import { mtrrWrites, replayWrites } from '../sdm/config.js';
import type { SpteReading } from './decode.js';

const BITS = 40;
const BOTH = [false, true];
const QUIRKS = [0, KVM_X86_QUIRK_CD_NW_CLEARED, KVM_X86_QUIRK_IGNORE_GUEST_PAT];

const product = <T>(rows: readonly T[], next: (row: T) => readonly T[]): T[] => rows.flatMap(next);

/** Situations that differ in all that a policy looks at; MTRRs by the type that they give. */
function situations(): Situation[] {
  const withTypes = MEM_TYPES.map((type): Situation => {
    const writes = mtrrWrites({ def: { type, enabled: true, fixedEnabled: false } }, BITS);
    return {
      mtrr: replayWrites(writes, BITS),
      pat: PAT_RESET,
      patEntry: 0,
      cd: false,
      noncoherent: false,
      mmio: false,
      disabledQuirks: 0,
      maxphyaddr: BITS,
      mtrrCpuid: true,
      selfSnoop: true,
      slotFlag: false,
    };
  });
  const flags = ['cd', 'noncoherent', 'mmio', 'selfSnoop', 'slotFlag'] as const;
  const flipped = flags.reduce(
    (rows, flag) => product(rows, (row) => BOTH.map((value) => ({ ...row, [flag]: value }))),
    withTypes,
  );
  return product(flipped, (row) => QUIRKS.map((disabledQuirks) => ({ ...row, disabledQuirks })));
}

/** The policies that make a leaf of this type and IPAT for some page of some VM; those of released kernels. */
export function makersOf(type: MemType, ipat: boolean): Policy[] {
  const all = situations();
  const makes = (policy: Policy, situation: Situation): boolean => {
    if (refusals(policy, situation).length > 0) return false;
    const made = explainPage(policy, situation, 0);
    return made.type === type && made.ipat === ipat;
  };
  return ALL_POLICIES.filter(
    (policy) =>
      policy.paging === 'ept' &&
      policy.proposals.length === 0 &&
      all.some((situation) => makes(policy, situation)),
  );
}

/** The policies that make such an entry for some page, and whose kernels take it for a leaf. */
export function makersOfEntry({ maps, isLeaf, type, ipat, misconfigured, layouts }: SpteReading): Policy[] {
  if (!maps || !isLeaf || type === undefined || misconfigured.length > 0) return [];
  const names = layouts.flatMap(({ kind, layout }) => (kind === 'leaf' ? layout.policies : []));
  return makersOf(type, ipat).filter(({ name }) => names.includes(name));
}
