import { MEM_TYPES } from '../arch/memory-types.js';
import { KVM_MEM_NON_COHERENT_DMA, RAM_SLOT } from '../arch/memslots.js';
import { gfnOf, PAGE_OFFSET, PAGE_SIZE } from '../arch/units.js';
import { ALL_POLICIES, expectedAnswer, NEWEST_POLICY } from '../memtype/index.js';
import { slotLevel } from '../memtype/model/memslots.js';
import { NESTED_LIMIT, NestedMappings } from './nested.js';
import { Replay, type Taken } from './replay.js';
import { takenDevice, wrongAgain, wrongClose } from './rules/dma-rules.js';
import { togetherFault } from './rules/lane-rules.js';
import {
  BACKING_NEEDS,
  deniedAccess,
  wrongGib,
  wrongHostMemory,
  wrongSharing,
} from './rules/memory-rules.js';
import {
  lacksSource,
  unknownMsr,
  wrongFilter,
  wrongNw,
  wrongOps,
  wrongRestore,
  wrongStart,
} from './rules/msr-rules.js';
import type { StepRule, Turn } from './rules/step-rule.js';
import { pathText, scenarioSchema } from './schema.js';
import {
  FAR_PAGES,
  GUEST_BASE,
  type Need,
  NOT_TAKEN,
  RAM_SIZE,
  type Scenario,
  type Step,
  WINDOW_END,
} from './types.js';

/** What keeps a scenario from being legal. */
export interface BrokenRule {
  /** Where, such as `steps[3].vcpu`. */
  path: string;
  /** What is wrong there. */
  text: string;
}

/** Memslots that every kernel gives a VM (KVM_CAP_NR_MEMSLOTS); newer ones give many more. */
const SLOT_LIMIT = 509;
/** Bytes of an access. */
const ACCESS_SIZE = 4;
/** Needs that no kernel meets together. */
const OPPOSITES: readonly (readonly [Need, Need])[] = [
  ['virtio-device', 'no-virtio-device'],
  ['memslot-flag', 'no-memslot-flag'],
];

const lacksVcpu: StepRule = (step, { scenario }) =>
  'vcpu' in step && step.vcpu >= scenario.vcpus ? `the VM has ${scenario.vcpus} vCPUs, from 0` : undefined;

const wrongSlot: StepRule = (step) => {
  if (!('slot' in step)) return undefined;
  if (step.slot === RAM_SLOT && step.do !== 'host-memory') return 'it is the memslot of guest RAM';
  return step.slot < SLOT_LIMIT ? undefined : `not every kernel has more than ${SLOT_LIMIT} memslots`;
};

const wrongRange: StepRule = (step, { scenario }) => {
  if (step.do !== 'memslot' && step.do !== 'discard' && step.do !== 'pre-fault') return undefined;
  if ((step.gpa & PAGE_OFFSET) !== 0n) return 'it is not the start of a page';
  const end = step.gpa + BigInt(step.pages * PAGE_SIZE);
  if (step.do === 'discard' && end > BigInt(GUEST_BASE)) return 'only guest RAM below the guest is discarded';
  if (step.do === 'discard' && scenario.hugeRam) return 'memory in huge pages would come back in small ones';
  const { maxphyaddr } = scenario;
  return end > 1n << BigInt(maxphyaddr)
    ? `it ends beyond the guest's MAXPHYADDR, ${maxphyaddr} bits`
    : undefined;
};

const wrongAccess: StepRule = (step, { replay }) => {
  if (step.do !== 'access' && step.do !== 'nested-access') return undefined;
  const { gpa, access } = step;
  if (gpa >= BigInt(GUEST_BASE) && gpa < BigInt(RAM_SIZE)) return 'the guest itself lives there';
  if ((gpa & PAGE_OFFSET) > BigInt(PAGE_SIZE - ACCESS_SIZE)) return 'it crosses the end of a page';
  const slot = replay.slotAt(gpa);
  if (slot === undefined) return access === 'fetch' ? 'no memslot is there' : undefined;
  return slot.backing === 'mmio' && access !== 'read' ? 'a PCI BAR may only be read' : undefined;
};

/** Pages of the largest slot whose log is read: each that was written is a number in the recording. */
const LOG_LIMIT = 4096;

const wrongLog: StepRule = (step, { replay }) =>
  step.do === 'get-dirty-log' && (replay.slots.get(step.slot)?.npages ?? 0) > LOG_LIMIT
    ? `only the log of at most ${LOG_LIMIT} pages is read`
    : undefined;

const isLogged = (step: Step): boolean =>
  step.do === 'memslot' && step.flags?.includes('log-dirty-pages') === true;

const wrongNested: StepRule = (step, { scenario, replay }) => {
  if (step.do !== 'nested-access') return undefined;
  const slot = replay.slotAt(step.gpa);
  const isHuge = slot?.hostLevel === 2 && slotLevel(slot, gfnOf(step.gpa)) === 2;
  if (step.size === '2M' && !isHuge) return 'no whole huge page is behind this leaf of 2M';
  return scenario.steps.some(isLogged) ? 'what dirty logging does to leaves of L2 is not known' : undefined;
};

const tooManyNested: StepRule = (step, { nested }) =>
  step.do === 'nested-access' && nested.of(step).id > NESTED_LIMIT
    ? `L1's EPT has no room for more than ${NESTED_LIMIT} leaves`
    : undefined;

/** What a claim can be for: a policy, or an era with or without proposals (claimFor() of the check). */
const CLAIMANTS = new Set(
  ALL_POLICIES.filter(({ paging }) => paging === 'ept').flatMap(({ name, era, base, proposals }) => [
    name,
    era,
    base,
    [era, ...proposals].join('+'),
  ]),
);
const LEAF_TYPE = new RegExp(`^(${MEM_TYPES.join('|')})(\\+IPAT)?$`);

const wrongClaim: StepRule = (step) => {
  if (step.do !== 'access' && step.do !== 'nested-access') return undefined;
  const claims = Object.entries(step.claims ?? {});
  const [name] = claims.find(([policy]) => !CLAIMANTS.has(policy)) ?? [];
  if (name !== undefined) return `no policy is called ${name}`;
  const [, type] = claims.find(([, text]) => !LEAF_TYPE.test(text)) ?? [];
  return type === undefined ? undefined : `${type} is not the type of a leaf, such as WB or WB+IPAT`;
};

/** Any kernel: which questions the model knows does not depend on it. */
const SOME_KERNEL = {
  policy: NEWEST_POLICY,
  release: 'any',
  selfSnoop: true,
  virtioType: 0,
  memslotFlag: KVM_MEM_NON_COHERENT_DMA,
};

const unknownQuestion: StepRule = (step) =>
  step.do === 'ask' && expectedAnswer(step.of, step.number, SOME_KERNEL) === undefined
    ? 'what kernels answer to that is not known'
    : undefined;

const wrongTogether: StepRule = (step, { scenario }) =>
  step.do === 'together' ? togetherFault(step, scenario) : undefined;

/** What a step asks of the machine: of each group one. */
function needsOf(step: Step): readonly (readonly Need[])[] {
  switch (step.do) {
    case 'nested-access':
    case 'invept':
      return [['nested']];
    case 'together':
      return [['ept-leaves'], ['tdp-mmu']];
    case 'noncoherent':
      return step.on && !step.again ? [[step.via ?? 'noncoherent']] : [];
    case 'virtio':
      return [['virtio-device', 'no-virtio-device']];
    case 'disable-quirk':
      return typeof step.quirk === 'number' ? [] : [[`quirk-${step.quirk}`]];
    case 'pre-fault':
      return [['pre-fault']];
    case 'memslot': {
      const flagged = step.flags?.includes('non-coherent-dma')
        ? (['memslot-flag', 'no-memslot-flag'] as const)
        : [];
      return [BACKING_NEEDS[step.backing], flagged].filter((group) => group.length > 0);
    }
    default:
      return [];
  }
}

const lacksNeed: StepRule = (step, { scenario }) => {
  const lacking = needsOf(step).find((group) => !group.some((need) => scenario.needs.includes(need)));
  return lacking && `the scenario does not say that it needs ${lacking.join(' or ')}`;
};

/** What a step may not be, by the field that is wrong; an empty one is the step itself. */
const STEP_RULES: readonly (readonly [field: string, rule: StepRule])[] = [
  ['.vcpu', lacksVcpu],
  ['.from', lacksSource],
  ['.from', wrongStart],
  ['', wrongRestore],
  ['.nw', wrongNw],
  ['.msr', unknownMsr],
  ['.ops', wrongOps],
  ['', wrongFilter],
  ['.slot', wrongSlot],
  ['.gpa', wrongRange],
  ['.gpa', wrongAccess],
  ['.gpa', deniedAccess],
  ['.memoryOf', wrongSharing],
  ['.backing', wrongGib],
  ['', wrongHostMemory],
  ['.slot', wrongLog],
  ['.claims', wrongClaim],
  ['', wrongNested],
  ['', tooManyNested],
  ['.number', unknownQuestion],
  ['', takenDevice],
  ['', wrongTogether],
  ['.close', wrongClose],
  ['.again', wrongAgain],
  ['', lacksNeed],
];

/** Whether the step gives what its author says, `ok` unless told. */
function wrongResult(step: Step, { result, why }: Taken): string | undefined {
  if (result === undefined) return undefined;
  if (result === NOT_TAKEN) return why;
  const isAgain = step.do === 'noncoherent' && step.again;
  const claimed = ('result' in step ? step.result : undefined) ?? (isAgain ? 'EEXIST' : 'ok');
  if (claimed === result) return undefined;
  return `it gives ${result}${why === undefined ? '' : ` (${why})`}, not ${claimed}`;
}

/** The rules that one step breaks, whose turn it is; it is taken then. */
function brokenByStep(step: Step, path: string, turn: Turn): BrokenRule[] {
  const texts = STEP_RULES.map(([field, rule]) => [field, rule(step, turn)] as const);
  const own = [
    ...texts,
    ...(step.do === 'together' ? [] : [['', wrongResult(step, turn.replay.next(step))]]),
  ];
  const broken = own.flatMap(([field, text]) =>
    text === undefined ? [] : [{ path: `${path}${field}`, text }],
  );
  const parts = step.do === 'together' ? step.steps : [];
  return [...broken, ...parts.flatMap((part, i) => brokenByStep(part, `${path}.steps[${i}]`, turn))];
}

/** The rules that the steps of a scenario break, on a kernel that has what the scenario needs. */
function brokenBySteps(scenario: Scenario): BrokenRule[] {
  const has = (need: Need): boolean => scenario.needs.includes(need);
  const kernel = {
    virtioDevice: has('virtio-device'),
    memslotFlag: has('memslot-flag'),
    vfioEnds: 'close',
  } as const;
  const replay = new Replay(scenario, kernel);
  const turn = { scenario, replay, nested: new NestedMappings(scenario.steps) };
  return scenario.steps.flatMap((step, i) => brokenByStep(step, `steps[${i}]`, turn));
}

/** The large pages that a guest is to have in its tables, each with its PAT entry, are too many. */
function tooFar({ steps }: Scenario): BrokenRule[] {
  const far = steps.flatMap((step) =>
    step.do === 'access' && step.gpa >= WINDOW_END ? [`${step.gpa >> 21n} ${step.pat}`] : [],
  );
  const count = new Set(far).size;
  const text = `${count} large pages from 4 GiB on are touched, and the guest's tables have room for ${FAR_PAGES}`;
  return count > FAR_PAGES ? [{ path: 'steps', text }] : [];
}

/** Every rule that a scenario breaks, of those that its shape breaks or, where it has the right one, its content. */
export function brokenRules(scenario: Scenario): BrokenRule[] {
  const shape = scenarioSchema.safeParse(scenario);
  if (!shape.success)
    return shape.error.issues.map(({ path, message }) => ({ path: pathText(path), text: message }));
  const opposed = OPPOSITES.filter((pair) => pair.every((need) => scenario.needs.includes(need)));
  return [
    ...opposed.map((pair) => ({ path: 'needs', text: `no kernel meets ${pair.join(' and ')}` })),
    ...(scenario.hugeRam && !scenario.needs.includes('huge-pages')
      ? [{ path: 'hugeRam', text: 'the scenario does not say that it needs huge-pages' }]
      : []),
    ...tooFar(scenario),
    ...brokenBySteps(scenario),
  ];
}
