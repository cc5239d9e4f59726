import { describe, expect, it, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { simulate } from '../../test/support/simulate.js';
import { MT } from '../arch/memory-types.js';
import { defType, MSR } from '../arch/msrs.js';
import { type Policy, policies } from '../memtype/index.js';
import type { Recording } from '../recording/recording.js';
import { noncoherent, scenario, touch, wrmsr } from '../scenario/builder.js';
import { judge } from './judge.js';
import { foreignWarnings, splatsIn } from './kernel-log.js';
import { choosePolicy } from './policy-choice.js';

const A = policies.get('A') as Policy;
const env = environmentOf(A);
const PLAIN = scenario('test/plain', 'One access', {}, [touch(0x1000n)]);
const D5 = scenario('test/d5', 'PHYSBASE before any PHYSMASK', {}, [
  noncoherent(true),
  wrmsr(MSR.DEF_TYPE, defType(MT.WB, { e: true })),
  wrmsr(MSR.PHYSBASE0, 0x5000n),
]);
const WARN = [
  '------------[ cut here ]------------',
  'WARNING: CPU: 0 PID: 65 at arch/x86/kvm/mtrr.c:321 update_mtrr+0xaa/0xb0',
  'Modules linked in:',
  'CPU: 0 PID: 65 Comm: node Not tainted 6.1.192 #1',
  'RIP: 0010:update_mtrr+0xaa/0xb0',
  '---[ end trace 0000000000000000 ]---',
];
const DISK = ['BUG: Bad page state in process kswapd0', ' bad_page+0x1/0x2', ' shrink_folio_list+0x1/0x2'];

const at = (step: number, texts: readonly string[]) => texts.map((text) => ({ step, text }));
const logged = (recording: Recording, step: number, texts: readonly string[]): Recording => ({
  ...recording,
  kernelLog: { lines: at(step, texts), lost: 0 },
});

// Each row: a line as kernels print it.
test.each([
  'WARNING: CPU: 0 PID: 65 at arch/x86/kvm/mmu/mmu.c:6084 kvm_zap_gfn_range+0x1a0/0x1c0 [kvm]',
  'WARNING: arch/x86/kvm/mmu/mmu.c:6084 at kvm_zap_gfn_range+0x1a0/0x1c0, CPU#0: node/65',
  'WARNING: possible circular locking dependency detected',
  'WARNING: suspicious RCU usage',
  'BUG: kernel NULL pointer dereference, address: 0000000000000000',
  'BUG: KASAN: slab-use-after-free in kvm_vm_release+0x1/0x2',
  'BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580',
  'kernel BUG at arch/x86/kvm/mmu/mmu.c:1!',
  'Oops: general protection fault, probably for non-canonical address 0x1: 0000 [#1]',
  'general protection fault, probably for non-canonical address 0x1: 0000 [#1] PREEMPT SMP',
  'rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:',
  'rcu: INFO: rcu_sched self-detected stall on CPU',
  'INFO: task node:65 blocked for more than 120 seconds.',
  'watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [node:65]',
  'UBSAN: shift-out-of-bounds in arch/x86/kvm/mtrr.c:1:2',
])('%s is a splat', (text) => {
  expect(splatsIn(at(0, [text]))).toHaveLength(1);
});

test.each([
  'vfio-noiommu device: opened by user',
  'kvm_intel: VMX not supported by CPU 0',
  'Modules linked in: kvm BUG: ',
])('%s is none', (text) => {
  expect(splatsIn(at(0, [text]))).toEqual([]);
});

describe('a warning of the kernel', () => {
  it('fails the scenario with its first lines, at its step', () => {
    const verdict = judge(PLAIN, logged(simulate(PLAIN, A), 0, WARN), A, env);

    expect(verdict.status).toBe('fail');
    expect(verdict.mismatches).toEqual([
      {
        step: 1,
        stepText: expect.stringContaining('0x1000'),
        what: 'kernel log',
        expected: 'no warning of the kernel',
        seen: `${WARN[1]} | ${WARN[3]} | ${WARN[4]}`,
        why: [],
      },
    ]);
  });

  it('fails a scenario that could not run on', () => {
    const head = { scenario: PLAIN.name, durationMs: 1 };
    const skip = { ...head, outcome: 'skip', missing: { reason: 'x', lift: 'y' } } as const;
    const error = { ...head, outcome: 'error', code: 'KVM_IOCTL', message: 'EIO' } as const;

    expect(judge(PLAIN, logged(skip, 0, WARN), A, env)).toMatchObject({ status: 'fail' });
    expect(judge(PLAIN, logged(error, 0, WARN), A, env)).toMatchObject({
      status: 'error',
      mismatches: [{ what: 'kernel log' }],
    });
  });

  it('is allowed where the model says so: D5, by its function, in its step', () => {
    const recording = simulate(D5, A);
    const d5 = recording.kernelLog?.lines.map(({ text }) => text) ?? [];
    const other = d5.map((text) => text.replace('kvm_zap_gfn_range', 'update_mtrr'));

    expect(d5).not.toEqual([]);
    expect(judge(D5, recording, A, env)).toMatchObject({
      status: 'pass',
      notes: expect.arrayContaining([expect.objectContaining({ id: 'D5' })]),
    });
    expect(judge(D5, logged(recording, 2, []), A, env).status).toBe('pass');
    expect(judge(D5, logged(recording, 1, d5), A, env).status).toBe('fail');
    expect(judge(D5, logged(recording, 2, other), A, env).status).toBe('fail');
  });

  it('speaks for no policy and against none', () => {
    const recorded = { scenario: PLAIN, recording: logged(simulate(PLAIN, A), 0, WARN) };

    expect(choosePolicy('auto', [recorded], env)).toMatchObject({ how: 'probed' });
  });

  it('is told but fails nothing on a host that others use, unless it is of KVM', () => {
    const shared = { ...env, kernelLog: 'shared' } as const;
    const recording = logged(simulate(PLAIN, A), 0, [...DISK, ...WARN]);

    expect(judge(PLAIN, recording, A, shared).mismatches).toHaveLength(1);
    expect(judge(PLAIN, recording, A, env).mismatches).toHaveLength(2);
    expect(foreignWarnings(recording, shared)).toEqual([DISK.map((line) => line.trim()).join(' | ')]);
    expect(foreignWarnings(recording, env)).toEqual([]);
  });
});

describe('a log that is not whole', () => {
  const recording = simulate(PLAIN, A);
  const { kernelLog: _, ...without } = recording;

  it.each<[string, Recording]>([
    ['there is none', without],
    ['lines were lost', { ...recording, kernelLog: { lines: [], lost: 1 } }],
  ])('%s: no verdict', (_, changed) => {
    expect(judge(PLAIN, changed, A, env)).toMatchObject({
      status: 'error',
      message: expect.stringMatching(/kernel log/),
    });
  });

  it('is no fault where none can be read', () => {
    const blind = { ...env, kernelLog: { reason: 'x', lift: 'y' } };

    expect(judge(PLAIN, without, A, blind).status).toBe('pass');
  });
});
