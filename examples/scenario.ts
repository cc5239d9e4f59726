// A scenario as data, what two kernels must make of it, and an SPTE that tells which of them it was. No /dev/kvm is needed.
import {
  brokenRules,
  decodeLeaf,
  describeStep,
  findPolicy,
  gpaOf,
  MT,
  memTypeName,
  mib,
  mtrrs,
  noncoherent,
  Replay,
  scenario,
  touch,
  VmModel,
} from 'kvm-memtype';

const uncached = scenario(
  'example/uncached',
  'A page that the guest makes UC is UC in its EPT',
  { needs: ['ept-leaves', 'noncoherent'] },
  [
    noncoherent(true),
    mtrrs({ ranges: [[MT.UC, mib(4), mib(1)]] }),
    touch(mib(4)),
    touch(mib(8)),
    noncoherent(false),
  ],
);
for (const { path, text } of brokenRules(uncached)) throw new Error(`${path}: ${text}`);

const at = (gfn: number): string => `0x${gpaOf(gfn).toString(16)}`;
const typeText = (type: string, ipat: boolean): string => `${type}${ipat ? '+IPAT' : ''}`;

/** The leaf entries that a kernel must make and zap, step by step. */
function predict(kernel: string): void {
  const policy = findPolicy(kernel);
  const replay = new Replay(uncached, policy);
  const model = new VmModel(policy, { vcpus: uncached.vcpus });
  for (const event of replay.start) model.apply(event);
  console.log(`Linux ${kernel}, policy ${policy.name}`);
  for (const step of uncached.steps) {
    const { event } = replay.next(step);
    if (event === undefined) continue;
    const { made, zapped } = model.apply(event);
    for (const { type, ipat } of made) console.log(`  ${describeStep(step)}: ${typeText(type, ipat)}`);
    if (zapped.length > 0) console.log(`  ${describeStep(step)}: zaps ${zapped.map((leaf) => at(leaf.gfn))}`);
  }
}

for (const kernel of ['6.1', '7.2']) predict(kernel);

// As kvmmmu:kvm_tdp_mmu_spte_changed gave it for gpa 4 MiB, level 1.
const seen = decodeLeaf(0x8600000105c00937n, 1);
if (seen !== undefined) console.log(`the trace shows ${typeText(memTypeName(seen.type), seen.ipat)}`);
