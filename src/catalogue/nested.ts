import { MEM_TYPES } from '../arch/memory-types.js';
import { mib, scenario, touchNested } from '../scenario/builder.js';

const needs = ['ept-leaves', 'nested'] as const;

/** A guest of the guest: what KVM puts into its shadow of L1's EPT. */
export const nested = [
  scenario(
    'nested/coherent',
    "Type and IPAT of L1's EPT leaf are dropped: L2's leaves are as L1's own",
    { needs },
    [MEM_TYPES.flatMap((type) => [touchNested(mib(4), { type }), touchNested(mib(4), { type, ipat: true })])],
  ),
];
