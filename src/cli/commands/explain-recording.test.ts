import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explain, explainJson as json } from '../../../test/support/explain.js';
import { MT } from '../../arch/memory-types.js';
import { encodeJson } from '../../recording/wire.js';
import { cd, mib, mtrrs, noncoherent, scenario, touch, wrmsr } from '../../scenario/builder.js';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-recorded-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const FIRST = scenario('x/first', 'A range of UC', { needs: ['noncoherent'] }, [
  noncoherent(true),
  mtrrs({ ranges: [[MT.UC, mib(4), mib(1)]] }),
  touch(mib(4)),
  cd(true),
  noncoherent(false),
]);
const SECOND = scenario('x/second', 'A PAT', { needs: [], vcpus: 2 }, [wrmsr(0x277, 0x6n)]);

const ENVIRONMENT = {
  ...{ release: '6.1.192', version: '#1', cpuModel: 'CPU', vendor: 'intel', paging: 'ept', quirks: 127 },
  ...{
    selfSnoop: true,
    gpaBits: 40,
    virtioType: 15,
    memslotFlag: 8,
    noncoherent: null,
    params: {},
    missing: {},
  },
};

/** What `run --record` writes, as far as it is needed. */
function recordingOf(scenarios: readonly unknown[], environment: object | null = ENVIRONMENT): string {
  const tool = { name: 'kvm-memtype', version: '0.1.0', revision: 'x' };
  const host = { cpu: 'CPU', release: '6.1.192', version: '#1' };
  const run = { tool, host, startedAt: '2026-11-29T09:41:40.570Z', planned: 1 };
  const kernel = {
    ...{
      name: 'debian:6.1',
      target: { engine: 'host', device: null },
      policy: 'auto',
      strict: false,
      repeat: 1,
    },
    ...{ scenarios, slots: scenarios.map((_, i) => [i, 0, 0, true]) },
    again: { engine: 'host', timeout: 1000, param: [], files: {} },
  };
  const line = encodeJson({ type: 'environment', environment });
  const records = [
    { type: 'run', schema: 'kvm-memtype/recording', version: 1, run },
    { type: 'kernel', kernel },
    ...(environment === null ? [] : [{ type: 'line', lane: 0, line }]),
  ];
  const path = join(folder, 'r.kmr');
  writeFileSync(path, gzipSync(records.map((record) => `${encodeJson(record)}\n`).join('')));
  return path;
}

describe('explain --recording', () => {
  it('asks of the guest as it is after a step, by the kernel that it ran on', async () => {
    const path = recordingOf([FIRST]);
    const at = async (step: number): Promise<string> => {
      const { policy, type, ipat } = await json('--recording', path, '--step', `${step}`, '--gpa', '4M');
      return `${policy} ${type}${ipat ? '+' : ''}`;
    };
    const length = FIRST.steps.length;
    expect([await at(0), await at(length - 2), await at(length - 1), await at(length)]).toEqual([
      ...['A WB+', 'A UC', 'A WB+', 'A WB+'],
    ]);
    const text = await explain('--recording', path, '--gpa', '4M');
    expect(text).toMatch(
      new RegExp(
        `^read\\n  ${path}  recording: x/first on 6\\.1\\.192 \\(debian:6\\.1\\), after ${length} of ${length} steps\\n`,
      ),
    );
  });

  it('compares with other policies without the quirks that E disables by itself', async () => {
    const path = recordingOf([FIRST], { ...ENVIRONMENT, release: '7.2.13', quirks: 0xfff });
    const step = `${FIRST.steps.length - 1}`;
    const { policies } = await json('--recording', path, '--step', step, '--gpa', '4M');
    const ofA = policies.find(({ policy }: { policy: string }) => policy === 'A');
    expect([ofA.type, ofA.ipat, ofA.refuses]).toEqual(['WB', true, []]);
  });

  it('lets options and logs count more', async () => {
    const path = recordingOf([FIRST]);
    expect((await json('--recording', path, '--policy', '7.2', '--gpa', '4M')).policy).toBe('E');
    const log = join(folder, 'log.txt');
    writeFileSync(log, '0x2ff: 0x804\n');
    const args = ['--recording', path, '--step', '1', '--from', log, '--gpa', '0'];
    const { type, read } = await json(...args);
    expect([type, read.recording.scenario, read.lines.length]).toEqual(['WT', 'x/first', 1]);
  });

  it('takes one of several scenarios, with its vCPUs', async () => {
    const path = recordingOf([FIRST, SECOND]);
    const rdmsr = async (vcpu: string) =>
      (await json('--recording', path, '--scenario', 'x/second', '--rdmsr', 'PAT', '--vcpu', vcpu)).value;
    expect([await rdmsr('0'), await rdmsr('1')]).toEqual(['0x6', '0x7040600070406']);
    await expect(explain('--recording', path, '--gpa', '0')).rejects.toThrow(
      /has 2 scenarios: --scenario names one of x\/first, x\/second$/,
    );
    await expect(explain('--recording', path, '--scenario', 'x', '--gpa', '0')).rejects.toThrow(
      /has no scenario x$/,
    );
  });

  it('knows AMD and shadow paging', async () => {
    const path = recordingOf([FIRST], { ...ENVIRONMENT, paging: 'npt', vendor: 'amd' });
    expect((await json('--recording', path, '--gpa', '0')).policy).toBe('npt-A');
  });

  it.each([
    [['--scenario', 'x/first'], /^--scenario and --step are of a recording/],
    [['--step', '1'], /^--scenario and --step are of a recording/],
    [['--recording', '/no/such/file'], /there is no such file/],
  ])('refuses %j', async (args, message) => {
    await expect(explain('--gpa', '0', ...args)).rejects.toThrow(message);
  });

  it('refuses what is no recording, or not so long', async () => {
    const path = recordingOf([FIRST]);
    await expect(explain('--recording', path, '--step', '99', '--gpa', '0')).rejects.toThrow(
      /^--step 99: x\/first has \d steps$/,
    );
    await expect(explain('--recording', recordingOf([FIRST], null), '--gpa', '0')).rejects.toThrow(
      /debian:6\.1 said nothing of itself$/,
    );
    writeFileSync(path, 'x');
    await expect(explain('--recording', path, '--gpa', '0')).rejects.toThrow(/it is no recording/);
  });
});
