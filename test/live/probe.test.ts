/** @module-tag kvm */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { HostMemory, Kvm } from '../../src/kvm/index.js';
import { Probe, type ProbeCommand, type ProbeResult, probeRamSize } from '../../src/probe/index.js';
import { Machine, type MachineOptions } from '../../src/vmm/index.js';

const MIB = 2 ** 20;
const MTRR_DEF_TYPE = 0x2ff;
const PAT = 0x277;
const kvm = Kvm.open();
const open: Machine[] = [];

function boot(o: Partial<MachineOptions> = {}): { machine: Machine; probe: Probe } {
  const machine = Machine.create(kvm, { vcpus: 1, ramSize: 32 * MIB, msrMode: 'kernel', ...o });
  open.push(machine);
  return { machine, probe: Probe.boot(machine) };
}

const values = (results: ProbeResult[]) => results.map((r) => (r.ok ? r.value : r.fault.vector));
const fault = (vector: number) => ({ ok: false, fault: expect.objectContaining({ vector }) });

afterEach(() => {
  for (const machine of open.splice(0)) machine.close();
});
afterAll(() => kvm.close());

describe('commands', () => {
  test('memory is shared with the host through every window', () => {
    const { machine, probe } = boot();
    const ram = new DataView(machine.ram.buffer);
    ram.setBigUint64(0x5000, 0x1122_3344_5566_7788n, true);

    const reads = probe.exec(
      0,
      [0, 1, 2, 3, 4, 5, 6, 7].map((pat) => ({ op: 'read', gpa: 0x5000n, pat }) as const),
    );
    probe.exec(0, [{ op: 'write', gpa: 0x6000n, pat: 5, value: 42n }]);

    expect(values(reads)).toEqual(Array(8).fill(0x1122_3344_5566_7788n));
    expect(ram.getBigUint64(0x6000, true)).toBe(42n);
  });

  test('addresses above 4 GiB are reached, each with its PAT entry, once they were named', () => {
    const machine = Machine.create(kvm, { vcpus: 1, ramSize: 32 * MIB, msrMode: 'kernel' });
    open.push(machine);
    using memory = HostMemory.memfd(0x1000);
    const gpa = (1n << 36n) - 0x1000n;
    machine.setMemslot({ slot: 1, gpa, size: 0x1000n, memory });
    const probe = Probe.boot(machine, [
      { gpa, pat: 0 },
      { gpa, pat: 5 },
    ]);

    const results = probe.exec(0, [
      { op: 'write', gpa: gpa + 8n, pat: 5, value: 42n },
      { op: 'read', gpa: gpa + 8n, pat: 0 },
    ]);

    expect(values(results)).toEqual([0n, 42n]);
    expect(new DataView(memory.buffer).getBigUint64(8, true)).toBe(42n);
    expect(() => probe.exec(0, [{ op: 'read', gpa, pat: 1 }])).toThrow(RangeError);
  });

  test.each([
    [1, 0x88n],
    [2, 0x7788n],
    [4, 0x5566_7788n],
    [8, 0x1122_3344_5566_7788n],
  ] as const)('a read of %i bytes', (width, value) => {
    const { machine, probe } = boot();
    new DataView(machine.ram.buffer).setBigUint64(0x5000, 0x1122_3344_5566_7788n, true);

    expect(values(probe.exec(0, [{ op: 'read', gpa: 0x5000n, pat: 0, width }]))).toEqual([value]);
  });

  test('MTRR and PAT are written and read back', () => {
    const { probe } = boot();

    const results = probe.exec(0, [
      { op: 'wrmsr', msr: MTRR_DEF_TYPE, value: 0xc06n },
      { op: 'rdmsr', msr: MTRR_DEF_TYPE },
      { op: 'wrmsr', msr: PAT, value: 0x0007040600010406n },
      { op: 'rdmsr', msr: PAT },
      { op: 'rdmsr', msr: 0xfe },
    ]);

    expect(values(results)).toEqual([0n, 0xc06n, 0n, 0x0007040600010406n, 0x508n]);
  });

  test('control registers, CR0.CD among them', () => {
    const { probe } = boot();

    const results = probe.exec(0, [
      { op: 'read-cr', cr: 0 },
      { op: 'write-cr', cr: 0, value: 0xc0010031n },
      { op: 'read-cr', cr: 0 },
      { op: 'write-cr', cr: 0, value: 0x80010031n },
      { op: 'read-cr', cr: 0 },
      { op: 'read-cr', cr: 3 },
      { op: 'read-cr', cr: 4 },
    ]);

    const [before, , disabled, , enabled, cr3, cr4] = values(results);
    expect([before, disabled, enabled]).toEqual([0x80010031n, 0xc0010031n, 0x80010031n]);
    expect(cr3).toBe(0x1002000n);
    expect(cr4).toBe(0x20n);
  });

  test('the rest: fetch, clflush, invlpg, wbinvd, pause, cpuid, timed read', () => {
    const { machine, probe } = boot({ cpuid: { maxPhyAddr: 40 } });

    const results = probe.exec(0, [
      { op: 'fetch', gpa: 0x7000n, pat: 0 },
      { op: 'clflush', gpa: 0x7000n, pat: 1 },
      { op: 'invlpg', gpa: 0x7000n, pat: 1 },
      { op: 'wbinvd' },
      { op: 'pause' },
      { op: 'cpuid', leaf: 0x80000008, subleaf: 0 },
      { op: 'cpuid', leaf: 1, subleaf: 0 },
      { op: 'timed-read', gpa: 0x7000n, pat: 0 },
    ]);

    expect(results.every((r) => r.ok)).toBe(true);
    type Answer = { value: bigint; extra: bigint };
    const [leaf8, leaf1, timed] = results.slice(5) as unknown as [Answer, Answer, Answer];
    expect(leaf8.value & 0xffn).toBe(40n);
    const set = machine.vcpus[0]?.getCpuid2().find((e) => e.function === 1);
    expect(leaf1.extra >> 32n).toBe(BigInt(set?.edx ?? 0));
    expect(timed.value & 0xffn).toBe(0xc3n);
    expect(timed.extra).toBeGreaterThan(0n);
  });

  test('more commands than a mailbox holds', () => {
    const { probe } = boot();
    const commands = Array.from(
      { length: 150 },
      (_, i): ProbeCommand => ({ op: 'write', gpa: 0x8000n, pat: 0, value: BigInt(i) }),
    );

    const results = probe.exec(0, [...commands, { op: 'read', gpa: 0x8000n, pat: 0 }]);

    expect(results).toHaveLength(151);
    expect(values(results).at(-1)).toBe(149n);
  });
});

describe('faults', () => {
  test.each<[string, ProbeCommand, number]>([
    ['an invalid MTRR write', { op: 'wrmsr', msr: MTRR_DEF_TYPE, value: 0xc02n }, 13],
    ['an MSR that is not there', { op: 'rdmsr', msr: 0x12345678 }, 13],
    ['an invalid CR0', { op: 'write-cr', cr: 0, value: 0x40n }, 13],
  ])('%s is recorded and the batch goes on', (_, command, vector) => {
    const { probe } = boot();

    const results = probe.exec(0, [command, { op: 'read', gpa: 0n, pat: 0 }]);

    expect(results).toEqual([fault(vector), { ok: true, value: 0n }]);
  });

  test('a page fault says where', () => {
    const { machine, probe } = boot();
    const pd = 0x1002000 + 2 * 4096;
    new Uint8Array(machine.ram.buffer, pd, 8).fill(0);

    const [result] = probe.exec(0, [{ op: 'write', gpa: 0x3000n, pat: 0, value: 1n }]);

    expect(result).toMatchObject({ ok: false, fault: { vector: 14, errorCode: 2, cr2: 0x3000n } });
  });

  test('a triple fault is a typed exit', () => {
    const { probe } = boot();

    expect(() => probe.exec(0, [{ op: 'write-cr', cr: 3, value: 0x5000n }])).toThrow(
      expect.objectContaining({ code: 'VMM_GUEST_EXIT', reasonName: 'KVM_EXIT_SHUTDOWN' }),
    );
  });

  test('an endless loop is a timeout with registers and the last exits', () => {
    const { machine, probe } = boot({ budgetMs: 200 });
    probe.exec(0, [{ op: 'pause' }]);
    new Uint8Array(machine.ram.buffer).set([0xeb, 0xfe], 0x9000);

    expect(() => probe.exec(0, [{ op: 'fetch', gpa: 0x9000n, pat: 0, plant: false }])).toThrow(
      expect.objectContaining({
        code: 'VMM_GUEST_TIMEOUT',
        regs: expect.objectContaining({ rip: 0x9000n }),
        lastExits: [{ reason: 2, where: 0x510n, write: true, size: 4 }],
      }),
    );
  });

  test('a guest that scribbles over its mailbox is a protocol error', () => {
    const { probe } = boot();
    const mailboxCount = BigInt(probeRamSize(1) - 0x2000 + 8);

    expect(() =>
      probe.exec(0, [{ op: 'write', gpa: mailboxCount, pat: 0, value: 0x1000n, width: 4 }, { op: 'pause' }]),
    ).toThrow(expect.objectContaining({ code: 'PROBE_PROTOCOL' }));
  });
});

describe('two vCPUs', () => {
  test('take turns, each with its own registers and mailbox', () => {
    const { probe } = boot({ vcpus: 2 });

    probe.exec(0, [{ op: 'wrmsr', msr: MTRR_DEF_TYPE, value: 0xc06n }]);
    probe.exec(1, [{ op: 'wrmsr', msr: MTRR_DEF_TYPE, value: 0xc00n }]);
    probe.exec(0, [{ op: 'write', gpa: 0x5000n, pat: 0, value: 7n }]);

    const ask: ProbeCommand[] = [
      { op: 'rdmsr', msr: MTRR_DEF_TYPE },
      { op: 'read', gpa: 0x5000n, pat: 0 },
      { op: 'cpuid', leaf: 1, subleaf: 0 },
    ];
    const [def0, seen0, id0] = values(probe.exec(0, ask)) as bigint[];
    const [def1, seen1, id1] = values(probe.exec(1, ask)) as bigint[];
    expect([def0, def1]).toEqual([0xc06n, 0xc00n]);
    expect([seen0, seen1]).toEqual([7n, 7n]);
    expect([(id0 ?? 0n) >> 56n, (id1 ?? 0n) >> 56n]).toEqual([0n, 1n]);
  });
});

describe('MSR exits', () => {
  test('kernel mode logs what KVM refuses, with the reason', () => {
    const { machine, probe } = boot();

    probe.exec(0, [
      { op: 'wrmsr', msr: MTRR_DEF_TYPE, value: 0xc02n },
      { op: 'rdmsr', msr: 0x12345678 },
      { op: 'wrmsr', msr: MTRR_DEF_TYPE, value: 0xc06n },
    ]);

    expect(machine.msr.takeLog()).toEqual([
      { vcpu: 0, msr: MTRR_DEF_TYPE, write: true, value: 0xc02n, reason: 'inval', action: 'gp' },
      { vcpu: 0, msr: 0x12345678, write: false, value: 0n, reason: 'unknown', action: 'gp' },
    ]);
  });

  test('filter mode forwards valid accesses and refuses the others', () => {
    const { machine, probe } = boot({ msrMode: 'filter' });

    const results = probe.exec(0, [
      { op: 'wrmsr', msr: MTRR_DEF_TYPE, value: 0xc06n },
      { op: 'rdmsr', msr: MTRR_DEF_TYPE },
      { op: 'wrmsr', msr: PAT, value: 0x02n },
      { op: 'rdmsr', msr: 0xfe },
    ]);

    const filtered = { vcpu: 0, reason: 'filter' };
    expect(results).toEqual([
      { ok: true, value: 0n },
      { ok: true, value: 0xc06n },
      fault(13),
      { ok: true, value: 0x508n },
    ]);
    expect(machine.msr.takeLog()).toEqual([
      { ...filtered, msr: MTRR_DEF_TYPE, write: true, value: 0xc06n, action: 'forwarded' },
      { ...filtered, msr: MTRR_DEF_TYPE, write: false, value: 0xc06n, action: 'forwarded' },
      { ...filtered, msr: PAT, write: true, value: 2n, action: 'gp' },
      { ...filtered, msr: 0xfe, write: false, value: 0x508n, action: 'forwarded' },
    ]);
    expect(machine.vcpus[0]?.getMsrs([MTRR_DEF_TYPE])).toEqual([0xc06n]);
  });

  test('filter mode without forwarding keeps KVM as it was', () => {
    const { machine, probe } = boot({ msrMode: 'filter', forwardMsrs: false });
    const before = machine.vcpus[0]?.getMsrs([MTRR_DEF_TYPE]);

    const results = probe.exec(0, [
      { op: 'wrmsr', msr: MTRR_DEF_TYPE, value: 0xc06n },
      { op: 'rdmsr', msr: MTRR_DEF_TYPE },
    ]);

    expect(values(results)).toEqual([0n, 0xc06n]);
    expect(machine.vcpus[0]?.getMsrs([MTRR_DEF_TYPE])).toEqual(before);
    expect(machine.msr.takeLog().map((e) => e.action)).toEqual(['kept', 'kept']);
  });
});

describe('memory', () => {
  test('the pages the guest uses are one run from 16 MiB, and a machine without them is refused', () => {
    const { probe } = boot({ vcpus: 2 });

    expect(probe.infraGfns()).toEqual([{ gfn: 0x1000, npages: (probeRamSize(2) - 16 * MIB) / 4096 }]);
    expect(() => boot({ ramSize: 16 * MIB })).toThrow(expect.objectContaining({ code: 'PROBE_BOOT' }));
  });

  test('slots are added, moved and deleted under a running guest', () => {
    const { machine, probe } = boot();
    const slot = { slot: 1, size: 0x2000n, memory: machine.ram, offset: 0x4000 };
    new Uint8Array(machine.ram.buffer)[0x4000] = 9;

    machine.setMemslot({ ...slot, gpa: 0x8000_0000n });
    const added = probe.exec(0, [{ op: 'read', gpa: 0x8000_0000n, pat: 0, width: 1 }]);
    machine.setMemslot({ ...slot, gpa: 0x9000_0000n });
    const moved = probe.exec(0, [{ op: 'read', gpa: 0x9000_0000n, pat: 0, width: 1 }]);
    machine.deleteMemslot(1);
    const deleted = probe.exec(0, [{ op: 'read', gpa: 0x9000_0000n, pat: 0, width: 1 }]);

    expect(values([...added, ...moved, ...deleted])).toEqual([9n, 9n, 0xffn]);
  });
});
