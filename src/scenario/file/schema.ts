import * as z from 'zod/mini';
import { SCENARIO_DEFAULTS } from '../builder.js';
import { laneSchemas, msrOp, msrRange, scenarioSchema, stepSchemas } from '../schema.js';
import { hex, msr, pages } from './fields.js';
import { quirk } from './quirk-field.js';

/** What a step is unless told, as the builder's functions have it. */
export const STEP_DEFAULTS = {
  wrmsr: { vcpu: 0, by: 'guest' },
  rdmsr: { vcpu: 0, by: 'guest' },
  msrs: { vcpu: 0, by: 'guest' },
  restore: { mtrrs: true },
  'msr-filter': { deny: false },
  access: { vcpu: 0, access: 'read', pat: 0 },
  'nested-access': { vcpu: 0, access: 'read', size: '4K', type: 'WB', ipat: false },
  invept: { vcpu: 0 },
  cd: { vcpu: 0, by: 'guest' },
  init: { vcpu: 0 },
  virtio: { group: 1, attr: 1, result: 'ok' },
  memslot: { backing: 'ram' },
  'host-memory': { first: 0 },
  'pre-fault': { vcpu: 0 },
  'clear-dirty-log': { first: 0 },
  'manual-protect': { initiallySet: false },
  together: { seed: 0 },
  ask: { number: 0 },
} as const;

const NESTED = STEP_DEFAULTS['nested-access'];
const { wrmsr, rdmsr, msrs, access, cd, virtio, memslot, discard, ask } = stepSchemas;
const nested = stepSchemas['nested-access'];
const vcpu = z._default(cd.shape.vcpu, 0);
const by = z._default(cd.shape.by, 'guest');

const fileRange = z.extend(msrRange, {
  base: msr,
  access: z._default(msrRange.shape.access, 'both'),
  allow: z._default(z.array(msr).check(z.maxLength(0x4000)), []),
});
const fileOp = z.extend(msrOp, { msr, value: z.exactOptional(hex) });
const laneStep = z.discriminatedUnion('do', [
  z.extend(laneSchemas.wrmsr, { vcpu, msr, value: hex, by: z._default(laneSchemas.wrmsr.shape.by, 'guest') }),
  z.extend(laneSchemas.access, {
    vcpu,
    gpa: hex,
    access: z._default(laneSchemas.access.shape.access, 'read'),
    pat: z._default(access.shape.pat, 0),
  }),
  z.extend(laneSchemas.cd, { vcpu, by: z._default(laneSchemas.cd.shape.by, 'guest') }),
  laneSchemas.noncoherent,
  z.extend(laneSchemas.discard, { gpa: hex, pages }),
]);

const step = z.discriminatedUnion('do', [
  z.extend(wrmsr, { vcpu, msr, value: hex, by }),
  z.extend(rdmsr, { vcpu, msr, by }),
  z.extend(msrs, { vcpu, ops: z.array(fileOp).check(z.minLength(1), z.maxLength(4096)), by }),
  z.extend(stepSchemas.restore, { mtrrs: z._default(stepSchemas.restore.shape.mtrrs, true) }),
  z.extend(stepSchemas['msr-filter'], {
    deny: z._default(stepSchemas['msr-filter'].shape.deny, STEP_DEFAULTS['msr-filter'].deny),
    ranges: z.array(fileRange).check(z.maxLength(16)),
  }),
  stepSchemas['msr-exits'],
  z.extend(access, {
    vcpu,
    gpa: hex,
    access: z._default(access.shape.access, STEP_DEFAULTS.access.access),
    pat: z._default(access.shape.pat, STEP_DEFAULTS.access.pat),
  }),
  z.extend(nested, {
    vcpu,
    gpa: hex,
    access: z._default(nested.shape.access, NESTED.access),
    size: z._default(nested.shape.size, NESTED.size),
    type: z._default(nested.shape.type, NESTED.type),
    ipat: z._default(nested.shape.ipat, NESTED.ipat),
  }),
  z.extend(stepSchemas.invept, { vcpu }),
  z.extend(cd, { vcpu, by }),
  z.extend(stepSchemas.init, { vcpu }),
  stepSchemas.noncoherent,
  z.extend(virtio, {
    group: z._default(virtio.shape.group, STEP_DEFAULTS.virtio.group),
    attr: z._default(virtio.shape.attr, STEP_DEFAULTS.virtio.attr),
    result: z._default(virtio.shape.result, STEP_DEFAULTS.virtio.result),
  }),
  z.extend(stepSchemas['disable-quirk'], { quirk }),
  z.extend(memslot, {
    gpa: hex,
    pages,
    backing: z._default(memslot.shape.backing, STEP_DEFAULTS.memslot.backing),
    offset: z.exactOptional(pages),
  }),
  stepSchemas['delete-memslot'],
  z.extend(discard, { gpa: hex, pages }),
  z.extend(stepSchemas['pre-fault'], { vcpu, gpa: hex, pages }),
  z.extend(stepSchemas['host-memory'], {
    first: z._default(stepSchemas['host-memory'].shape.first, 0),
    pages,
  }),
  stepSchemas['get-dirty-log'],
  z.extend(stepSchemas['clear-dirty-log'], {
    first: z._default(stepSchemas['clear-dirty-log'].shape.first, 0),
    pages,
  }),
  z.extend(stepSchemas['manual-protect'], {
    initiallySet: z._default(stepSchemas['manual-protect'].shape.initiallySet, false),
  }),
  z.extend(stepSchemas.together, {
    seed: z._default(stepSchemas.together.shape.seed, STEP_DEFAULTS.together.seed),
    steps: z.array(laneStep),
  }),
  z.extend(ask, { number: z._default(ask.shape.number, STEP_DEFAULTS.ask.number) }),
]);

const { shape } = scenarioSchema;

/** A scenario as people write it down: the schema of schema.ts, with other words for numbers, and with defaults. */
export const fileSchema = z.extend(scenarioSchema, {
  needs: z._default(shape.needs, [...SCENARIO_DEFAULTS.needs]),
  vcpus: z._default(shape.vcpus, SCENARIO_DEFAULTS.vcpus),
  msrMode: z._default(shape.msrMode, SCENARIO_DEFAULTS.msrMode),
  guestMtrr: z._default(shape.guestMtrr, SCENARIO_DEFAULTS.guestMtrr),
  startCd: z._default(shape.startCd, SCENARIO_DEFAULTS.startCd),
  maxphyaddr: z._default(shape.maxphyaddr, SCENARIO_DEFAULTS.maxphyaddr),
  hugeRam: z._default(shape.hugeRam, SCENARIO_DEFAULTS.hugeRam),
  steps: z.array(step).check(z.maxLength(100_000)),
  /** Where an editor finds the JSON Schema; nothing else reads it. */
  $schema: z.exactOptional(z.string()),
});
