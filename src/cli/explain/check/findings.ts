import { type GfnRange, GIB4_FRAMES } from '../../../arch/units.js';
import { type Finding, type NamedRange, review, type Setup, type Slot } from '../../../memtype/index.js';
import type { Answer } from '../answer.js';
import type { Area } from '../from/areas.js';
import { untoldFrames } from '../from/untold.js';
import type { Guest } from '../guest.js';
import type { GuestFacts } from '../state.js';
import { groupName } from '../vcpus.js';

const MIB_FRAMES = 256;

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

/** What counts as device memory though nothing names it. */
function holesOf(
  ram: readonly NamedRange[],
  slots: readonly Slot[],
  areas: readonly Area[],
): readonly NamedRange[] {
  const isDevice = ({ kind, use }: Area): boolean => kind === 'device' || use === 'device';
  // QEMU's view names the devices that are there: firmware puts others anywhere in the PCI hole below 4 GiB.
  if (areas.some(({ use }) => use !== undefined)) {
    const devices = areas.filter(isDevice);
    const known = slots.filter(({ start }) => devices.every((area) => area.start !== start));
    return holesBetween([...known, ...areas.filter((area) => !isDevice(area))], GIB4_FRAMES);
  }
  // Where devices are told by name, what is between them is nothing.
  if (areas.some(isDevice)) return [];
  return holesBetween([...slots, ...areas], Math.max(GIB4_FRAMES, ...ram.map(({ end }) => end)));
}

/** RAM and device memory, by slots and by what logs and lists name. */
export function memoryOf({ slots = [], areas = [] }: GuestFacts): Pick<Setup, 'ram' | 'mmio' | 'pmem'> {
  const useOf = ({ start, end }: GfnRange): Area['use'] =>
    areas.find((area) => area.start === start && area.end === end)?.use;
  const ram = slots
    .filter(({ backing, readOnly }) => RAM_KINDS.has(backing.kind) && !readOnly)
    .filter((slot) => useOf(slot) === undefined || useOf(slot) === 'told');
  const devices = areas.filter(({ kind, use }) => kind === 'device' || use === 'device');
  const bars = slots.filter(({ backing }) => DEVICE_KINDS.has(backing.kind));
  const holes = ram.length > 0 ? holesOf(ram, slots, areas) : [];
  const isInHole = ({ start, end }: GfnRange): boolean =>
    holes.some((hole) => start >= hole.start && end <= hole.end);
  const named = ({ name, start, end: stop }: NamedRange): NamedRange => ({ name, start, end: stop });
  const pmem = slots.filter(({ backing }) => backing.kind === 'dax');
  return {
    ram: ram.map(named),
    pmem: pmem.map(named),
    mmio: [...bars, ...devices.filter((area) => !isInHole(area)), ...holes].map(named),
  };
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
  const findings = review({
    policy,
    vcpus,
    ...memory,
    untold: untoldFrames(facts),
    linux: guest.memory.linux,
  });
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
