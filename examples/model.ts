// The reference model alone, as a browser can run it: why is a page uncached, is the set-up right, which MTRRs would be?
import * as model from 'kvm-memtype/model';

const GIB = 1n << 30n;
const mtrrs: model.MtrrConfig = {
  def: { type: 'UC', enabled: true, fixedEnabled: false },
  variable: [
    { index: 0, type: 'WB', base: 0n, size: 4n * GIB },
    { index: 1, type: 'UC', base: 3n * GIB, size: GIB },
  ],
};
const mtrr = model.replayWrites(model.mtrrWrites(mtrrs, 40), 40);
const situation = { ...model.INITIAL_SITUATION, mtrr, noncoherent: true };
const [low, high] = [model.gfnOf(3n * GIB), model.gfnOf(4n * GIB)];

for (const policy of ['6.1', '7.2'].map(model.findPolicy)) {
  const { effective, why } = model.explainPage(policy, situation, low);
  console.log(`policy ${policy.name}: 3 GiB is ${effective}: ${why.at(-2)?.text}`);
}

const memory = {
  ram: [{ name: 'ram', start: 0, end: low }],
  mmio: [{ name: 'hole', start: low, end: high }],
};
const setup = { policy: model.findPolicy('6.1'), vcpus: [{ who: 'vCPU 0', situation }], ...memory };
for (const { severity, rule, text } of model.review(setup)) console.log(`${severity} ${rule}: ${text}`);
const { config, pairs } = model.solveMtrrs(model.wantsOf(memory), { maxphyaddr: 40 });
console.log(`better: default ${config.def?.type}, ${pairs[0]?.type} at 0x${pairs[0]?.base.toString(16)}`);
