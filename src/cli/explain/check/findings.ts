import { type Finding, type NamedRange, review, type Setup } from '../../../memtype/index.js';
import type { Answer } from '../answer.js';
import { untoldFrames } from '../from/untold.js';
import type { Guest } from '../guest.js';
import type { GuestFacts } from '../state.js';
import { groupName } from '../vcpus.js';

const MIB_FRAMES = 256;
const GIB4_FRAMES = 2 ** 20;

/** RAM of a kind that a guest uses as such. */
const RAM_KINDS = new Set(['ram', 'hugetlb', 'guest-memfd', 'wc-mapped']);
const DEVICE_KINDS = new Set(['pci-bar', 'dev-mem']);

/** What lies between memory that has a name, from 1 MiB to 4 GiB or to the end of it. */
function holesBetween(known: readonly NamedRange[], end: number): NamedRange[] {
  const sorted = [...known].sort((a, b) => a.start - b.start);
  const holes: NamedRange[] = [];
  let at = MIB_FRAMES;
  for (const { start, end: stop } of [...sorted, { start: end, end }]) {
    const upTo = Math.min(start, end);
    if (upTo > at) holes.push({ name: 'hole', start: at, end: upTo });
    at = Math.max(at, stop);
  }
  return holes;
}

/** RAM and device memory, by slots and by what logs and lists name. */
export function memoryOf({ slots = [], areas = [] }: GuestFacts): Pick<Setup, 'ram' | 'mmio' | 'pmem'> {
  const ram = slots.filter(({ backing }) => RAM_KINDS.has(backing.kind)).filter(({ readOnly }) => !readOnly);
  const devices = areas.filter(({ kind }) => kind === 'device');
  const bars = slots.filter(({ backing }) => DEVICE_KINDS.has(backing.kind));
  const end = Math.max(GIB4_FRAMES, ...ram.map((slot) => slot.end));
  // Where devices are told by name, what is between them is nothing.
  const holes = ram.length > 0 && devices.length === 0 ? holesBetween([...slots, ...areas], end) : [];
  const named = ({ name, start, end: stop }: NamedRange): NamedRange => ({ name, start, end: stop });
  const pmem = slots.filter(({ backing }) => backing.kind === 'dax');
  return { ram: ram.map(named), pmem: pmem.map(named), mmio: [...bars, ...devices, ...holes].map(named) };
}

const COUNTS = ['error', 'warning', 'note'] as const;

function countText(findings: readonly Finding[]): string {
  const of = (severity: string): string => {
    const n = findings.filter((finding) => finding.severity === severity).length;
    return `${n} ${severity}${n === 1 ? '' : 's'}`;
  };
  return COUNTS.map(of).join(', ');
}

const findingText = ({ severity, rule, text, source, advice }: Finding): string[] => [
  `${severity} ${rule}: ${text}`,
  `    rule: ${source}`,
  `    do: ${advice}`,
];

/** Hold a guest's set-up against the rules. */
export function check(guest: Guest, facts: GuestFacts): { answer: Answer; isRight: boolean } {
  const { policy, groups, assumed } = guest;
  const vcpus = groups.map(({ ids, situation }) => ({ who: groupName(ids), situation }));
  const memory = memoryOf(facts);
  const findings = review({ policy, vcpus, ...memory, untold: untoldFrames(facts) });
  const untold =
    memory.ram.length === 0
      ? ['memory is not told (--slot, --from): what RAM and devices get was not checked']
      : [];
  const lines = [
    `policy ${policy.name}: ${policy.title} (${policy.kernels})`,
    ...(assumed === undefined ? [] : [`assumed: ${assumed}`]),
    '',
    ...findings.flatMap((finding) => [...findingText(finding), '']),
    ...untold,
    countText(findings),
  ];
  return {
    isRight: findings.every(({ severity }) => severity !== 'error'),
    answer: {
      text: () => `${lines.join('\n')}\n`,
      json: () => ({ policy: policy.name, assumed, findings, memoryTold: untold.length === 0 }),
    },
  };
}
