import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { requireOrSkip } from '../require.js';
import { runCli } from '../support/cli.js';

test('where guests are mapped by shadow paging, one sentence says what could be seen and what not', async (context) => {
  requireOrSkip(context, existsSync('/dev/kvm'), '/dev/kvm');
  if (existsSync('/sys/module/kvm_intel') || existsSync('/sys/module/kvm_amd'))
    context.skip('guests are not shadowed');

  const { status, stdout, stderr } = await runCli(['watch', '--pid', String(process.pid)]);

  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toBe(
    'kvm-memtype: of a VM of another process, this KVM’s trace could tell MSR writes, exits and faults, but no memory type: it maps guests by shadow paging, where there are no EPT leaves: watch on an Intel host with kvm_intel.ept=Y\n',
  );
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
