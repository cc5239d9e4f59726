/** @module-tag kvm */
import { readdirSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import type { Bench } from '../../src/agent/bench.js';
import { describeEnvironment } from '../../src/agent/environment.js';
import { execute } from '../../src/agent/execute.js';
import { GibPage } from '../../src/agent/memory/gib-page.js';
import { HugeRam, UnmetNeedError } from '../../src/agent/memory/huge-ram.js';
import { MSR } from '../../src/arch/msrs.js';
import { judge } from '../../src/check/judge.js';
import { NoncoherentDma } from '../../src/dma/index.js';
import { HostMemory, Kvm } from '../../src/kvm/index.js';
import { policies } from '../../src/memtype/index.js';
import { noncoherent, rdmsr, scenario } from '../../src/scenario/builder.js';
import { RAM_SIZE, type Scenario } from '../../src/scenario/types.js';

/** Where the probe guest's code is: a page of `nop`, and `jmp .` at its end, in its place never come to a doorbell. */
const CODE = 0x100_0000;
const FOR_EVER = [...Array<number>(4094).fill(0x90), 0xeb, 0xfe];
const BUDGET_MS = 3_000;
const openFiles = (): number => readdirSync('/proc/self/fd').length;

const kvm = Kvm.open();
const ram = HostMemory.memfd(RAM_SIZE);
const dma = new NoncoherentDma({ kvm, device: null });
const environment = describeEnvironment(kvm, dma);
const bench: Bench = {
  kvm,
  environment,
  ram,
  hugeRam: new HugeRam(RAM_SIZE),
  gib: new GibPage(),
  observer: undefined,
  dma,
  pciBar: undefined,
};

afterAll(() => {
  dma.close();
  ram.close();
  kvm.close();
});

const verdict = (s: Scenario, recording: ReturnType<typeof execute>) =>
  judge(s, recording as Parameters<typeof judge>[1], policies.get('none') as never, environment);

test('a guest that never comes back is a timeout, with the step, and the next scenario runs', () => {
  const hang = scenario('test/hang', 'A guest that loops', { needs: [] }, [
    rdmsr(MSR.DEF_TYPE),
    rdmsr(MSR.DEF_TYPE),
  ]);
  // Marks come before each step.
  const observer = {
    mark: (step: number) => step === 1 && new Uint8Array(ram.buffer).set(FOR_EVER, CODE),
    take: () => Buffer.alloc(0),
  } as unknown as NonNullable<Bench['observer']>;
  const traced = { ...environment, paging: 'ept' } as const;

  const recording = execute(hang, { ...bench, environment: traced, observer, budgetMs: BUDGET_MS });

  expect(recording).toMatchObject({
    outcome: 'error',
    code: 'VMM_GUEST_TIMEOUT',
    step: 1,
    message: expect.stringContaining(`did not finish within ${BUDGET_MS} ms`),
  });
  expect(verdict(hang, recording).status).toBe('timeout');
  const next = scenario('test/next', 'One read', { needs: [] }, [rdmsr(MSR.DEF_TYPE)]);
  expect(verdict(next, execute(next, bench)).status).toBe('pass');
});

test('a need that shows to be unmet on the way is a skip, and what was taken until then is given back', () => {
  const missing = { reason: 'no huge pages', lift: 'free memory' };
  const s = scenario('test/unmet', 'Two reads', { needs: [] }, [rdmsr(MSR.DEF_TYPE), rdmsr(MSR.DEF_TYPE)]);
  const mark = (step: number): void => {
    if (step === 1) throw new UnmetNeedError(missing);
  };
  const observer = { mark, take: () => Buffer.alloc(0) } as unknown as NonNullable<Bench['observer']>;
  const before = openFiles();

  const recording = execute(s, { ...bench, environment: { ...environment, paging: 'ept' }, observer });

  expect(recording).toMatchObject({ outcome: 'skip', missing });
  expect(openFiles()).toBe(before);
  expect(verdict(s, recording).status).toBe('skip');
  expect(verdict(s, { ...recording, notGivenBack: 'stuck' }).status).toBe('error');
});

test('what cannot be given back loses no result, keeps nothing else open, and is told', () => {
  const s = scenario('test/stuck', 'A device that stays', { needs: [] }, [
    noncoherent(true),
    rdmsr(MSR.DEF_TYPE),
    noncoherent(true),
  ]);
  const detach = () => {
    throw new Error('the device is stuck');
  };
  const stuck = { attach: () => ({ detach }), virtio: dma.virtio } as unknown as NoncoherentDma;
  const before = openFiles();

  const recording = execute(s, { ...bench, dma: stuck });

  expect(openFiles()).toBe(before);
  expect(recording).toMatchObject({
    outcome: 'ran',
    steps: [{ step: -1 }, { step: 0, result: 'ok' }, { step: 1, ok: true }, { step: 2, result: 'ok' }],
    notGivenBack: 'the device is stuck',
  });
  expect(verdict(s, recording)).toMatchObject({
    status: 'error',
    checks: { msrs: 1, ioctls: 2 },
    message: 'what it took could not be given back: the device is stuck',
  });
});
