import type { ResultSet, RunResult, ScenarioResult } from '../../src/report/types.js';

// Results for tests: every status, every optional field, and text that formats must escape.

const base = { durationMs: 120, checks: {}, failures: [], errata: [] };

/** One scenario of each status. */
export const scenarios: Record<'pass' | 'fail' | 'skip' | 'error' | 'timeout', ScenarioResult> = {
  pass: {
    ...base,
    family: 'mtrr',
    name: 'overlap-uc-over-wb',
    status: 'pass',
    checks: { leaves: 12, zaps: 1, msrs: 0 },
    errata: [{ id: 'D1', kernels: '4.2 to 6.10', text: 'UC loses to WB at the higher base' }],
  },
  fail: {
    ...base,
    family: 'mtrr',
    name: 'default-type',
    status: 'fail',
    checks: { leaves: 2 },
    failures: [
      {
        step: 3,
        stepText: 'read gpa 0xc00000 # through PAT 0 & <mapped>',
        vcpu: 1,
        gfn: 0xc00,
        what: 'leaf',
        expected: 'UC, IPAT=0',
        seen: 'WB, IPAT=1',
        sources: ['vmx_get_mt_mask(), 4.2 to 6.10'],
        rerun: "npx kvm-memtype run 'mtrr/default-type'",
      },
    ],
  },
  skip: {
    ...base,
    family: 'vfio',
    name: 'attach',
    status: 'skip',
    skip: { reason: 'no VFIO group', lift: 'bind a device to vfio-pci' },
  },
  error: { ...base, family: 'vfio', name: 'detach', status: 'error', error: 'nothing was observed' },
  timeout: {
    ...base,
    family: 'cd',
    name: 'toggle',
    repeat: 2,
    status: 'timeout',
    error: 'the guest did not end in 5 s',
  },
};

/** A set of these scenarios. */
export const setOf = (...results: ScenarioResult[]): ResultSet => ({
  name: 'bzImage-6.1',
  release: '6.1.192',
  engine: 'bochs',
  policy: { name: 'A', how: 'probed', explainedBy: [] },
  fingerprint: {
    cpu: 'Intel(R) Core(TM) i7-4770',
    microcode: '0x28',
    version: '#1 SMP PREEMPT_DYNAMIC Thu Jan 1',
    ept: true,
    params: { 'kvm_intel.ept': 'Y' },
    capabilities: { KVM_CAP_DISABLE_QUIRKS2: 0x5ff },
  },
  kernel: { image: '/build/bzImage', sha256: '0'.repeat(64), params: [] },
  durationMs: 8_000,
  scenarios: results,
});

/** A run of these sets. */
export const runOf = (...sets: ResultSet[]): RunResult => ({
  tool: { name: 'kvm-memtype', version: '0.1.0', revision: '1234abc-dirty' },
  host: { cpu: 'AMD EPYC', release: '6.12.5', version: '#2 SMP' },
  startedAt: '2026-01-02T03:04:05.000Z',
  durationMs: 9_500,
  sets,
});

/** A set whose kernel died, with a console that tries to break every format. */
export const crashedSet = (): ResultSet => ({
  ...setOf(scenarios.pass),
  crashed: {
    kind: 'panic',
    reason: 'Kernel panic - not syncing: #PF',
    consoleTail: ['ok 1 not a result', '\u001b[2J]]><b>&\u0000 \u{d800}', 'line\r'],
  },
});

/** A set whose kernel behaves otherwise than its version says. */
export const departedSet = (strict = false): ResultSet => ({
  ...setOf(scenarios.pass),
  policy: {
    name: 'A',
    how: 'probed',
    explainedBy: [],
    expectedByVersion: 'D',
    warning: 'Linux 6.12.5 is known for policy D, but this kernel was held against A',
    ...(strict ? { strict: true as const } : {}),
  },
});

/** A run with everything in it. */
export const fullRun = (): RunResult =>
  runOf(
    setOf(...Object.values(scenarios)),
    { ...setOf(scenarios.pass), name: 'bzImage-7.2', release: '7.2.13' },
    crashedSet(),
  );
