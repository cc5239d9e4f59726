import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { NEEDS_KVM, requireOrSkip } from '../require.js';
import { runCli } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-watch-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Whether this host's processor walks a second table for guests. */
const mapsByHardware = (): boolean =>
  ['kvm_intel/parameters/ept', 'kvm_amd/parameters/npt'].some((parameter) => {
    const file = `/sys/module/${parameter}`;
    return existsSync(file) && readFileSync(file, 'utf8').trim() === 'Y';
  });

test(
  'where guests are mapped by shadow paging, one sentence says what could be seen and what not',
  NEEDS_KVM,
  async (context) => {
    requireOrSkip(context, existsSync('/dev/kvm'), '/dev/kvm');
    if (mapsByHardware()) context.skip('guests are not shadowed');

    const { status, stdout, stderr } = await runCli(['watch', '--pid', String(process.pid)]);

    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe(
      'kvm-memtype: of a VM of another process, this KVM’s trace could tell MSR writes, exits and faults, but no memory type: it maps guests by shadow paging, where there are no EPT leaves: watch on an Intel host with kvm_intel.ept=Y\n',
    );
  },
);

test('what was watched is judged in any format of results', async () => {
  const trace = join(folder, 'vm.trace');
  writeFileSync(trace, gunzipSync(readFileSync('test/support/qemu-6.1.trace.gz')));

  const judged = await runCli(['judge', trace, '--format', 'ktap']);
  const other = await runCli(['judge', trace, '--policy', '7.2', '--format', 'html']);
  const compared = await runCli(['compare', trace, trace]);

  expect([judged.status, judged.stderr]).toEqual([0, '']);
  expect(judged.stdout).toContain('ok 1 watch/vm-1');
  expect(other.status).toBe(1);
  expect(other.stdout).toContain('vCPU 1: CR0.CD to 1');
  expect([compared.status, compared.stdout]).toEqual([
    0,
    expect.stringContaining('no difference in 1 scenario'),
  ]);
});

test.each([
  [['watch'], 'one of --pid, --name, --replay and a command behind -- is needed'],
  [
    ['watch', '--pid', '1', '--name', 'x'],
    'one of --pid, --name, --replay and a command behind -- is needed',
  ],
  [['watch', '--pid', '0'], 'a whole number from 1 to 4194304 is needed'],
  [['watch', '--replay', 'package.json'], 'it is no recording of `watch`, or one of another version'],
  [['watch', '--pid', '1', '--policy', '3.2'], 'is older than 4.4'],
])('%j is refused', async (args, why) => {
  const { status, stdout, stderr } = await runCli(args);

  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(why);
});
