import { PAGE_OFFSET } from '../../arch/units.js';
import { NEWEST_POLICY, VmModel } from '../../memtype/index.js';
import { lanesOf } from '../lanes.js';
import { GUEST_BASE, type LaneStep, type Scenario, type Step, type TogetherStep } from '../types.js';

/** Steps of one: those of a vCPU are one batch of the guest's, with the waits before them. */
const LANE_LIMIT = 31;
/** Orders in which the steps can come are told apart by how far each is: so many places at most. */
const PLACES_LIMIT = 20_000;

/** What nobody knows the outcome of while others run. */
const isBeyond = (step: Step): boolean =>
  step.do === 'nested-access' ||
  step.do === 'msr-filter' ||
  step.do === 'init' ||
  (step.do === 'memslot' && step.flags?.includes('log-dirty-pages') === true);

function wrongAddress({ steps }: TogetherStep): string | undefined {
  const gpas = steps.flatMap((step: LaneStep) => (step.do === 'access' ? [step.gpa] : []));
  if (gpas.some((gpa) => gpa >= BigInt(GUEST_BASE)))
    return 'only guest RAM below the guest is touched by several';
  return gpas.some((gpa) => (gpa & PAGE_OFFSET) !== 0n) ? 'pages are touched at their start' : undefined;
}

/** A write that KVM refuses ends the vCPU's run on its own thread: the VMM answers it. */
function refusedWrite({ steps }: TogetherStep, { vcpus, maxphyaddr }: Scenario): string | undefined {
  const model = new VmModel(NEWEST_POLICY, { vcpus, maxphyaddr });
  const isRefused = (step: LaneStep): boolean =>
    step.do === 'wrmsr' && step.vcpu < vcpus && model.apply({ ...step, kind: 'wrmsr' }).msr === 'gp';
  return steps.some(isRefused) ? 'a write that is refused is not made while others run' : undefined;
}

function tooMany(step: TogetherStep): string | undefined {
  const lanes = lanesOf(step);
  if (lanes.length < 2) return 'there is but one who takes steps';
  const places = lanes.reduce((product, { steps }) => product * (steps.length + 1), 1);
  if (places > PLACES_LIMIT) return 'the steps can come in more orders than can be judged';
  const long = lanes.find(({ steps }) => steps.length > LANE_LIMIT);
  return (
    long && `${long.owner === 'vmm' ? 'the VMM' : `vCPU ${long.owner}`} takes more than ${LANE_LIMIT} steps`
  );
}

/** What is wrong with steps at the same time, each of them being right by itself. */
export function togetherFault(step: TogetherStep, scenario: Scenario): string | undefined {
  if (scenario.msrMode !== 'kernel') return 'MSRs that are filtered are written one after the other';
  if (scenario.hugeRam) return 'guest RAM in huge pages is not touched by several at once';
  if (scenario.steps.some(isBeyond)) return 'nested guests and dirty logs change one after the other';
  return tooMany(step) ?? wrongAddress(step) ?? refusedWrite(step, scenario);
}
