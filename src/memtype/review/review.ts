import { VARIABLE_COUNT } from '../../arch/msrs.js';
import { solveMtrrs } from '../solve/solve.js';
import type { Want } from '../solve/wanted.js';
import { MAP_RULES } from './map-rules.js';
import { PAIR_RULES } from './pairs.js';
import { REGISTER_RULES } from './register-rules.js';
import type { Finding, Found, ReviewRule, Setup, Severity } from './types.js';

/** What memory of these kinds is to have: WB for RAM and persistent memory, UC for devices; the rest may have any type. */
export function wantsOf({ ram, mmio, pmem = [] }: Pick<Setup, 'ram' | 'mmio' | 'pmem'>): Want[] {
  return [
    ...mmio.map(({ start, end }): Want => ({ start, end, type: 'UC' })),
    ...[...pmem, ...ram].map(({ start, end }): Want => ({ start, end, type: 'WB' })),
  ];
}

function tooManyPairs(setup: Setup): Found[] {
  if (setup.ram.length === 0) return [];
  const maxphyaddr = setup.vcpus[0]?.situation.maxphyaddr ?? 40;
  const { pairs, tooMany } = solveMtrrs(wantsOf(setup), { maxphyaddr });
  return tooMany ? [{ text: `WB for all RAM and UC for all device memory take ${pairs.length} pairs` }] : [];
}

const RULES: readonly ReviewRule[] = [
  ...REGISTER_RULES,
  ...PAIR_RULES,
  ...MAP_RULES,
  {
    name: 'too-many-pairs',
    severity: 'warning',
    source: `SDM, "IA32_MTRRCAP MSR": KVM has VCNT ${VARIABLE_COUNT}`,
    advice: 'lay RAM and device memory at sizes and bases that are multiples of large powers of two',
    find: tooManyPairs,
  },
];

const ORDER: readonly Severity[] = ['error', 'warning', 'note'];

/** What a rule finds; a map of too many pieces is said to be one, as others may still be told. */
function found({ find }: ReviewRule, setup: Setup): readonly Found[] {
  try {
    return find(setup);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [{ severity: 'note', text: `not checked: ${error.message}` }];
  }
}

/** Hold a guest's set-up against all rules; what matters most comes first. */
export function review(setup: Setup): Finding[] {
  const findings = RULES.flatMap((rule) => {
    const { name, severity, source, advice } = rule;
    return found(rule, setup).map((one): Finding => ({ rule: name, severity, source, advice, ...one }));
  });
  return findings.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}
