import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { COUNTED_WAYS, DMA_WAYS } from '../arch/dma-ways.js';
import { MEM_TYPES } from '../arch/memory-types.js';
import { QUESTIONS } from '../arch/questions.js';
import type { Need, Scenario } from './types.js';

// zod/mini comes without words for what is wrong.
z.config(en());

const U64_MAX = (1n << 64n) - 1n;
const U32_MAX = 0xffff_ffff;

const int = (from: number, to: number) => z.int().check(z.minimum(from), z.maximum(to));
const text = z.string().check(z.minLength(1), z.maxLength(10_000));
const u64 = z.bigint().check(z.minimum(0n), z.maximum(U64_MAX));
const u32 = int(0, U32_MAX);
const vcpu = int(0, 7);
const pages = int(1, 1 << 20);
const actor = z.enum(['guest', 'host']);
const result = z.enum(['ok', 'EINVAL', 'EEXIST', 'ENODEV', 'ENOENT', 'ENXIO', 'EBUSY']);
const via = z.enum(COUNTED_WAYS);
const reason = z.enum(['INVAL', 'UNKNOWN', 'FILTER']);
export const msrRange = z.strictObject({
  base: u32,
  count: int(1, 0x4000),
  access: z.enum(['read', 'write', 'both']),
  allow: z.array(u32).check(z.maxLength(0x4000)),
});
export const msrOp = z.strictObject({ msr: u32, value: z.exactOptional(u64) });
/** Quirks that have a name here. */
export const QUIRK_NAMES = ['ignore-guest-pat', 'cd-nw-cleared', 'slot-zap-all'] as const;

const stepsAlone = {
  wrmsr: z.strictObject({ do: z.literal('wrmsr'), vcpu, msr: u32, value: u64, by: actor }),
  rdmsr: z.strictObject({ do: z.literal('rdmsr'), vcpu, msr: u32, by: actor }),
  msrs: z.strictObject({
    do: z.literal('msrs'),
    vcpu,
    ops: z.array(msrOp).check(z.minLength(1), z.maxLength(4096)),
    by: actor,
  }),
  restore: z.strictObject({ do: z.literal('restore'), vcpu, from: vcpu, mtrrs: z.boolean() }),
  'msr-filter': z.strictObject({
    do: z.literal('msr-filter'),
    deny: z.boolean(),
    ranges: z.array(msrRange).check(z.maxLength(16)),
    result: z.exactOptional(result),
  }),
  'msr-exits': z.strictObject({ do: z.literal('msr-exits'), reasons: z.array(reason).check(z.maxLength(3)) }),
  access: z.strictObject({
    do: z.literal('access'),
    vcpu,
    gpa: u64,
    access: z.enum(['read', 'write', 'fetch']),
    pat: int(0, 7),
    claims: z.exactOptional(z.record(text, text)),
  }),
  'nested-access': z.strictObject({
    do: z.literal('nested-access'),
    vcpu,
    gpa: u64,
    access: z.enum(['read', 'write']),
    size: z.enum(['4K', '2M']),
    type: z.enum(MEM_TYPES),
    ipat: z.boolean(),
    claims: z.exactOptional(z.record(text, text)),
  }),
  invept: z.strictObject({ do: z.literal('invept'), vcpu }),
  cd: z.strictObject({
    do: z.literal('cd'),
    vcpu,
    on: z.boolean(),
    by: actor,
    nw: z.exactOptional(z.literal(true)),
  }),
  init: z.strictObject({
    do: z.literal('init'),
    vcpu,
    sipi: z.exactOptional(int(0, 0xff)),
    from: z.exactOptional(vcpu),
  }),
  noncoherent: z.strictObject({
    do: z.literal('noncoherent'),
    on: z.boolean(),
    via: z.exactOptional(via),
    device: z.exactOptional(text),
    close: z.exactOptional(z.literal(true)),
    again: z.exactOptional(z.literal(true)),
  }),
  virtio: z.strictObject({
    do: z.literal('virtio'),
    op: z.enum(['create-test', 'create', 'has-attr', 'set-attr', 'close']),
    device: text,
    group: u32,
    attr: u32,
    result,
  }),
  'disable-quirk': z.strictObject({
    do: z.literal('disable-quirk'),
    quirk: z.union([z.enum(QUIRK_NAMES), u32]),
    old: z.exactOptional(z.literal(true)),
  }),
  memslot: z.strictObject({
    do: z.literal('memslot'),
    slot: u32,
    gpa: u64,
    pages,
    backing: z.enum(['ram', 'huge-ram', 'gib-ram', 'pci-bar']),
    offset: z.exactOptional(pages),
    memoryOf: z.exactOptional(u32),
    flags: z.exactOptional(z.array(z.enum(['log-dirty-pages', 'readonly', 'non-coherent-dma']))),
    result: z.exactOptional(result),
  }),
  'delete-memslot': z.strictObject({ do: z.literal('delete-memslot'), slot: u32 }),
  discard: z.strictObject({ do: z.literal('discard'), gpa: u64, pages }),
  'host-memory': z.strictObject({
    do: z.literal('host-memory'),
    op: z.enum(['discard', 'unmap', 'protect', 'unprotect']),
    slot: u32,
    first: int(0, 1 << 20),
    pages,
  }),
  'pre-fault': z.strictObject({
    do: z.literal('pre-fault'),
    vcpu,
    gpa: u64,
    pages,
    result: z.exactOptional(result),
  }),
  'get-dirty-log': z.strictObject({
    do: z.literal('get-dirty-log'),
    slot: u32,
    result: z.exactOptional(result),
  }),
  'clear-dirty-log': z.strictObject({
    do: z.literal('clear-dirty-log'),
    slot: u32,
    first: int(0, 1 << 20),
    pages,
    result: z.exactOptional(result),
  }),
  'manual-protect': z.strictObject({ do: z.literal('manual-protect'), initiallySet: z.boolean() }),
  ask: z.strictObject({ do: z.literal('ask'), of: z.enum(QUESTIONS), number: u32 }),
};

const ofGuest = { by: z.literal('guest') };

/** The shape of each kind of step that others can be taken beside. */
export const laneSchemas = {
  wrmsr: z.extend(stepsAlone.wrmsr, ofGuest),
  access: z.extend(z.omit(stepsAlone.access, { claims: true }), { access: z.literal('read') }),
  cd: z.extend(z.omit(stepsAlone.cd, { nw: true }), ofGuest),
  noncoherent: stepsAlone.noncoherent,
  discard: stepsAlone.discard,
};

/** The shape of each kind of step. */
export const stepSchemas = {
  ...stepsAlone,
  together: z.strictObject({
    do: z.literal('together'),
    seed: u32,
    steps: z.array(
      z.discriminatedUnion('do', [
        laneSchemas.wrmsr,
        laneSchemas.access,
        laneSchemas.cd,
        laneSchemas.noncoherent,
        laneSchemas.discard,
      ]),
    ),
  }),
};

const step = z.discriminatedUnion('do', [
  stepSchemas.wrmsr,
  stepSchemas.rdmsr,
  stepSchemas.msrs,
  stepSchemas.restore,
  stepSchemas['msr-filter'],
  stepSchemas['msr-exits'],
  stepSchemas.access,
  stepSchemas['nested-access'],
  stepSchemas.invept,
  stepSchemas.cd,
  stepSchemas.init,
  stepSchemas.noncoherent,
  stepSchemas.virtio,
  stepSchemas['disable-quirk'],
  stepSchemas.memslot,
  stepSchemas['delete-memslot'],
  stepSchemas.discard,
  stepSchemas['host-memory'],
  stepSchemas['pre-fault'],
  stepSchemas['get-dirty-log'],
  stepSchemas['clear-dirty-log'],
  stepSchemas['manual-protect'],
  stepSchemas.together,
  stepSchemas.ask,
]);

/** Every need that a scenario can have. */
export const NEEDS = [
  ...DMA_WAYS,
  'ept-leaves',
  'noncoherent',
  'no-virtio-device',
  'no-memslot-flag',
  'pci-bar',
  'tdp-mmu',
  'huge-pages',
  'gib-pages',
  'quirk-cd-nw-cleared',
  'quirk-slot-zap-all',
  'pre-fault',
  'nested',
  'known-vendor',
] as const satisfies readonly Need[];
const need = z.enum(NEEDS);

/** The shape of a scenario that comes from elsewhere; what its steps must be like together is in rules.ts. */
export const scenarioSchema = z.strictObject({
  name: z.string().check(z.regex(/^[a-z][a-z0-9-]*\/[a-z0-9-]+$/), z.maxLength(100)),
  title: text,
  needs: z.array(need),
  vcpus: int(1, 8),
  msrMode: z.enum(['kernel', 'filter', 'filter-drop']),
  guestMtrr: z.boolean(),
  startCd: z.boolean(),
  maxphyaddr: int(36, 52),
  hugeRam: z.boolean(),
  steps: z.array(step).check(z.maxLength(100_000)),
}) satisfies z.ZodMiniType<Scenario>;

/** The path of an issue in words: `steps[3].vcpu`. */
export const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
