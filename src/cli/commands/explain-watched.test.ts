import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { explain, explainJson as json } from '../../../test/support/explain.js';
import { findPolicy } from '../../memtype/index.js';
import { WatchRecorder } from '../../watch/record.js';

const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-watched-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [VM, OTHER] = ['0xffff888011110000', '0xffff888022220000'];
const line = (name: string, fields: string, vm = VM, thread = 7): string =>
  `  vcpu-${thread}      [000] .....     1.000000: ${name}: (f+0x0/0x90) kvm=${vm} ${fields}`.trimEnd();
const msr = (vcpu: number, index: string, data: string): string =>
  line('msr', `vcpu=${vcpu} host=0 index=${index} data=${data}`);

/** Two vCPUs: a device comes, and then MTRRs and a PAT. */
const LINES = [
  line('create', 'vcpu=0'),
  line('create', 'vcpu=1'),
  line('dma_add', ''),
  msr(0, '0x2ff', '0x806'),
  msr(1, '0x2ff', '0x804'),
  msr(0, '0x277', '0x6'),
];

/** What `watch --record` writes. */
function recorded({ lines = LINES, release = '6.1.192', fromStart = true, kvms = [VM] } = {}): string {
  const file = join(folder, 'vm.trace');
  const policy = findPolicy(release);
  const recorder = new WatchRecorder(
    file,
    { policy, maxphyaddr: 40, selfSnoop: true, quirks: 0xfff },
    { startedAt: '2026-01-02T03:04:05.000Z', release, cpu: 'a processor', fromStart },
  );
  recorder.add(`${lines.join('\n')}\n`);
  recorder.close(kvms);
  return file;
}

describe('explain --recording of a watched VM', () => {
  it('asks of the guest as it is after a change, by the kernel that it ran on', async () => {
    const path = recorded();
    const at = async (step: number): Promise<string[]> => {
      const { policy, first } = await json('--recording', path, '--step', `${step}`, '--gpa', '0');
      return [policy, ...(first ?? []).map(({ type }: { type: string }) => type)];
    };

    expect([await at(1), await at(2), await at(3)]).toEqual([['A'], ['A', 'WB', 'UC'], ['A', 'WB', 'WT']]);
    const { read, value } = await json('--recording', path, '--rdmsr', '0x2ff', '--vcpu', '1');
    expect([value, read.recording]).toMatchObject(['0x804', { scenario: 'watch/vm-1', kernel: '6.1.192' }]);
  });

  it('says what it is of, and that memslots are not in it', async () => {
    const path = recorded();

    expect(await explain('--recording', path, '--gpa', '0')).toMatch(
      new RegExp(
        `^read\n  ${path}  recording: watch/vm-1 on 6\\.1\\.192, after 3 of 3 changes\ntaken for granted\n  memslots are not recorded`,
      ),
    );
  });

  it('takes one of several VMs', async () => {
    const lines = [...LINES, line('create', 'vcpu=0', OTHER, 8), line('dma_add', '', OTHER, 8)];
    const path = recorded({ lines, kvms: [VM, OTHER] });

    const second = await json('--recording', path, '--scenario', 'watch/vm-2', '--rdmsr', '0x2ff');

    expect(second.value).toBe('0x0');
    await expect(explain('--recording', path, '--gpa', '0')).rejects.toThrow(
      /has 2 VMs: --scenario names one of watch\/vm-1 to watch\/vm-2$/,
    );
    await expect(explain('--recording', path, '--scenario', 'x/y', '--gpa', '0')).rejects.toThrow(
      /has no scenario x\/y$/,
    );
  });

  it('compares with other policies without the quirks that E disables by itself', async () => {
    const path = recorded({ release: '7.2.13' });

    const { policies } = await json('--recording', path, '--gpa', '0');

    expect(policies.every(({ refuses }: { refuses: string[] }) => refuses.length === 0)).toBe(true);
  });

  it('refuses what it cannot know', async () => {
    await expect(explain('--recording', recorded(), '--step', '4', '--gpa', '0')).rejects.toThrow(
      /^--step 4: watch\/vm-1 has 3 changes$/,
    );
    const late = recorded({ lines: [line('load', 'vcpu=0'), ...LINES.slice(2)], fromStart: false });
    await expect(explain('--recording', late, '--gpa', '0')).rejects.toThrow(
      /watch\/vm-1 not all was seen, .*: start the VM behind `watch --record … --`$/,
    );
    await expect(explain('--recording', recorded({ lines: [] }), '--gpa', '0')).rejects.toThrow(
      /no VM was seen$/,
    );
  });

  it('names the file that it cannot read', async () => {
    const path = recorded();
    writeFileSync(path, readFileSync(path, 'latin1').replace('# VMs', ''));
    await expect(explain('--recording', path, '--gpa', '0')).rejects.toThrow(
      `cannot read ${path}: it is cut off`,
    );
    appendFileSync(path, '# VMs: x\n');
    writeFileSync(path, readFileSync(path, 'latin1').replace('vcpu=0', 'vcpu=?'));
    await expect(explain('--recording', path, '--gpa', '0')).rejects.toThrow(`cannot read ${path}: `);
  });
});
