import { familiesOf } from './mutant.mjs';

/** Names of the scenarios that went wrong in a set of results. */
const badOf = ({ scenarios }) => [
  ...new Set(
    scenarios
      .filter(({ status }) => status !== 'pass' && status !== 'skip')
      .map(({ family, name }) => `${family}/${name}`),
  ),
];

/** How a kernel dies. All else that ends a machine early, such as a busy host's time limit, is not known to be its fault. */
const KERNEL_DEATHS = ['panic', 'oops'];

/** What a run says of a mutant. `base` is what the kernel without the fault gives: what goes wrong there notices nothing. */
export function judge({ status, error, set }, base) {
  if (set === undefined) return { state: 'no-run', why: error };
  const killers = badOf(set).filter((name) => !base.bad.includes(name));
  const policy = set.policy.name;
  if (set.crashed !== undefined) {
    const { kind, reason } = set.crashed;
    return {
      state: KERNEL_DEATHS.includes(kind) ? 'died' : 'no-run',
      why: `${kind}: ${reason}`,
      killers,
      policy,
    };
  }
  return { state: status === 1 && killers.length > 0 ? 'killed' : 'survived', killers, policy };
}

/**
 * Try a mutant as its user would, with no policy given. `run` runs scenarios on its kernel.
 * Those that noticed it last time come first: mostly one of them does again, and the rest need not be run.
 */
export async function tryMutant(run, base, former = []) {
  if (former.length > 0) {
    const outcome = judge(await run({ scenarios: former }), base);
    if (outcome.state === 'killed') return outcome;
  }
  const outcome = judge(await run({}), base);
  if (outcome.state !== 'survived' || outcome.policy === base.policy) return outcome;
  const { state, killers } = judge(await run({ policy: base.policy }), base);
  const forced = state === 'killed' ? `killed by ${killers.join(', ')}` : 'the same';
  return { ...outcome, why: `taken for policy ${outcome.policy}; with --policy ${base.policy}: ${forced}` };
}

/** The scenarios to begin with: those that noticed it last time, here or by the page, else those of its area. */
function firstOf(mutant, results, killersOf) {
  const { names } = results.catalogue;
  const known = results.last(mutant.id)?.killers ?? killersOf(mutant);
  const still = known.filter((name) => names.includes(name));
  if (still.length > 0) return still;
  const families = familiesOf(mutant);
  return names.filter((name) => families.includes(name.split('/')[0]));
}

/** Tries mutants by the catalogue. `run` is one run of it; `killersOf` tells what is known of a mutant that was never tried here. */
export const catalogueTrial = (run, results, killersOf) => ({
  run,
  async base(runIt) {
    const { set, error } = await runIt({});
    if (set === undefined) return { error };
    const crashed = set.crashed === undefined ? [] : [set.crashed.reason];
    return { policy: set.policy.name, bad: [...badOf(set), ...crashed] };
  },
  judge: (runIt, base, mutant) => tryMutant(runIt, base, firstOf(mutant, results, killersOf)),
});
