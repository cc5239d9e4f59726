import { COUNTED_WAYS } from '../arch/dma-ways.js';
import { everyStep } from '../scenario/lanes.js';
import { brokenRules } from '../scenario/rules.js';
import type { MemslotStep, Need, Scenario, Step } from '../scenario/types.js';

const hasSlotOf =
  (backing: MemslotStep['backing']) =>
  (step: Step): boolean =>
    step.do === 'memslot' && step.backing === backing;
const isLogged = (step: Step): boolean =>
  step.do === 'memslot' && step.flags?.includes('log-dirty-pages') === true;

/** What a scenario of such steps needs of a machine. */
function needsOf({ hugeRam, steps }: Scenario): Need[] {
  const has = (kind: Step['do']): boolean => steps.some((step) => step.do === kind);
  const huge = hugeRam || steps.some(hasSlotOf('huge-ram'));
  const needs: (readonly [Need, boolean])[] = [
    ['ept-leaves', true],
    ['noncoherent', everyStep({ steps }).some((step) => step.do === 'noncoherent' && step.via === undefined)],
    ...COUNTED_WAYS.map((way) => [way, steps.some((step) => 'via' in step && step.via === way)] as const),
    ['pci-bar', steps.some(hasSlotOf('pci-bar'))],
    ['gib-pages', steps.some(hasSlotOf('gib-ram'))],
    ['known-vendor', has('ask')],
    ['huge-pages', huge],
    // How the legacy MMU puts the small leaves of a log together again is not known to the model.
    ['tdp-mmu', (huge && steps.some(isLogged)) || has('together')],
    ['pre-fault', has('pre-fault')],
    ['nested', has('nested-access') || has('invept')],
  ];
  return needs.flatMap(([need, has]) => (has ? [need] : []));
}

const STEP_PATH = /^steps\[(\d+)\]/;

/**
 * A scenario without the steps that are not legal where they stand: the rules know what a scenario may do, not we. Undefined if none is
 * left, or if it is not a matter of steps.
 */
export function legal(wanted: Scenario): Scenario | undefined {
  let made = wanted;
  for (;;) {
    made = { ...made, needs: needsOf(made) };
    const broken = brokenRules(made);
    if (broken.length === 0) return made.steps.length > 0 ? made : undefined;
    const places = broken.map(({ path }) => STEP_PATH.exec(path)?.[1]);
    if (places.includes(undefined)) return undefined;
    // What comes after the first may be legal once that is gone.
    const first = Math.min(...places.map(Number));
    made = { ...made, steps: made.steps.filter((_, i) => i !== first) };
  }
}
