import { MT } from '../arch/memory-types.js';
import { defType, MSR } from '../arch/msrs.js';
import { PAGE_SIZE } from '../arch/units.js';
import {
  disableQuirk,
  discard,
  mib,
  mtrrs,
  noncoherent,
  physMask,
  rdmsr,
  scenario,
  together,
  touch,
  wrmsr,
} from '../scenario/builder.js';
import type { Claims, Step } from '../scenario/types.js';

const options = { needs: ['ept-leaves', 'noncoherent', 'tdp-mmu'], vcpus: 2 } as const;

/** Two pages that both vCPUs use, and two of each one's own. */
const page = (n: number): bigint => mib(4) + BigInt(n * PAGE_SIZE);
const pagesOf = (vcpu: number): readonly bigint[] => [
  page(0),
  page(1),
  page(2 + 2 * vcpu),
  page(3 + 2 * vcpu),
];
const touches = (vcpu: number): Step[] => pagesOf(vcpu).map((gpa) => touch(gpa, { vcpu }));
const twice = (steps: readonly Step[]): Step[] => [...steps, ...steps];

/** The same for each of some seeds. */
const forEachSeed = (
  seeds: readonly number[],
  steps: (seed: number) => readonly (Step | readonly Step[])[],
): Step[] => seeds.flatMap((seed) => steps(seed).flat());

const comesAndGoes: readonly Step[] = [noncoherent(true), noncoherent(false)];
const enabled = (type: number): bigint => defType(type, { e: true });

/** Pages 0 to 5 once more, by one vCPU: what is mapped stays, and what is not gets the type that counts now. */
const after = (claims?: Claims): Step[] =>
  [0, 1, 2, 3, 4, 5].map((n) => touch(page(n), claims === undefined ? {} : { claims }));

/** What no vCPU touched before shows whether KVM still counts right. */
const untouched = (claims: Claims): Step[] => [
  touch(page(8), { claims }),
  touch(page(9), { vcpu: 1, claims }),
];

const COHERENT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };
const WRITE_THROUGH = { A: 'WT', B: 'WT', D: 'WB', E: 'WB' };

/** Steps of vCPUs and of the VMM that come at the same time: what must hold once all have stopped. */
export const race = [
  scenario(
    'race/dma',
    'While two vCPUs touch memory a device comes and goes: what is mapped at the end is as the last change asks',
    options,
    [
      mtrrs({ def: MT.WT, vcpu: 0 }),
      mtrrs({ def: MT.WT, vcpu: 1 }),
      forEachSeed([1, 2], (seed) => [
        together(seed, twice(touches(0)), twice(touches(1)), comesAndGoes, noncoherent(true)),
        after(),
        together(seed + 10, twice(touches(1)), twice(touches(0)), noncoherent(false), twice(comesAndGoes)),
        after(),
      ]),
      untouched(COHERENT),
      noncoherent(true),
      touch(page(10), { claims: WRITE_THROUGH }),
    ],
  ),
  scenario(
    'race/mtrr',
    'While a vCPU rewrites its MTRRs another one, with other MTRRs, faults on the same pages',
    options,
    [
      noncoherent(true),
      mtrrs({ def: MT.WB, vcpu: 0 }),
      mtrrs({ def: MT.WP, vcpu: 1 }),
      forEachSeed([3, 4], (seed) => [
        together(
          seed,
          touches(0),
          wrmsr(MSR.DEF_TYPE, enabled(MT.WT)),
          touches(0),
          // The mask first: a base without one is erratum D5.
          wrmsr(MSR.PHYSMASK0, physMask(mib(4))),
          wrmsr(MSR.PHYSBASE0, mib(4) | BigInt(MT.UC)),
          touches(0),
          wrmsr(MSR.PAT, 0x0007_0406_0007_0406n),
          wrmsr(MSR.PHYSMASK0, 0n),
          twice(touches(1)),
          wrmsr(MSR.DEF_TYPE, enabled(MT.WC), { vcpu: 1 }),
          touches(1),
        ),
        after(),
        [0, 1].flatMap((vcpu) => [rdmsr(MSR.DEF_TYPE, { vcpu }), rdmsr(MSR.PAT, { vcpu })]),
        rdmsr(MSR.PHYSMASK0),
      ]),
      mtrrs({ def: MT.WT, vcpu: 0 }),
      after(WRITE_THROUGH),
    ],
  ),
  scenario(
    'race/mtrr-dma',
    'Two vCPUs rewrite MTRRs and PAT and touch memory while a device comes and goes',
    options,
    forEachSeed([5, 6], (seed) => [
      together(
        seed,
        [0, 1].flatMap((vcpu) => [
          ...touches(vcpu),
          wrmsr(MSR.DEF_TYPE, enabled(vcpu === 0 ? MT.WT : MT.WP), { vcpu }),
          ...touches(vcpu),
          wrmsr(MSR.PAT, 0x0007_0406_0007_0406n, { vcpu }),
          wrmsr(MSR.DEF_TYPE, enabled(vcpu === 0 ? MT.WB : MT.UC), { vcpu }),
          ...touches(vcpu),
        ]),
        twice(comesAndGoes),
        noncoherent(true),
      ),
      after(),
      [0, 1].map((vcpu) => rdmsr(MSR.DEF_TYPE, { vcpu })),
      [0, 1].flatMap((vcpu) => mtrrs({ def: MT.WT, vcpu })),
      after(WRITE_THROUGH),
      noncoherent(false),
    ]),
  ),
  scenario(
    'race/discard',
    'While two vCPUs touch memory the host takes pages of it back, and a device comes',
    { ...options, needs: [...options.needs, 'quirk-cd-nw-cleared'] },
    [
      disableQuirk('cd-nw-cleared'),
      mtrrs({ def: MT.WT, vcpu: 0 }),
      mtrrs({ def: MT.WT, vcpu: 1 }),
      forEachSeed([7, 8], (seed) => [
        together(
          seed,
          twice(touches(0)),
          { do: 'cd', vcpu: 0, on: true, by: 'guest' },
          touches(0),
          { do: 'cd', vcpu: 0, on: false, by: 'guest' },
          touches(0),
          twice([...touches(1), ...touches(1)]),
          discard(page(0), 2),
          noncoherent(true),
          discard(page(1), 3),
          discard(page(0), 6),
          noncoherent(false),
        ),
        after(),
      ]),
    ],
  ),
];
