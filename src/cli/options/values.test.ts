import { Command, InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as o from './values.js';

const GIB = 2 ** 30;

it.each<[(text: string) => unknown, string, unknown]>([
  [o.whole(1, 16), '16', 16],
  [o.whole(1, 16), '0x10', 16],
  [o.seconds, '2147483', 2_147_483],
  [o.mask32, '0xffffffff', 0xffff_ffff],
  [o.mask32, '0', 0],
  [o.size(2 * 2 ** 20, 3 * GIB), '256', 256 * 2 ** 20],
  [o.size(2 * 2 ** 20, 3 * GIB), '256M', 256 * 2 ** 20],
  [o.size(2 * 2 ** 20, 3 * GIB), '256m', 256 * 2 ** 20],
  [o.size(2 * 2 ** 20, 3 * GIB), '3G', 3 * GIB],
  [o.size(2 * 2 ** 20, 3 * GIB), '2052K', 2052 * 1024],
  [o.size(2 * 2 ** 20, 3 * GIB), '0x100', 256 * 2 ** 20],
  [o.list(o.whole(1, 8)), '1,8', [1, 8]],
  [o.pciAddress, '0000:00:1f.7', '0000:00:1f.7'],
  [o.shard, '2/3', [2, 3]],
  [o.moduleParameter, 'kvm.tdp_mmu=N', 'kvm.tdp_mmu=N'],
  [o.moduleParameter, 'kvm_intel.ept=0', 'kvm_intel.ept=0'],
  [o.kernel, 'debian:6.1', 'debian:6.1'],
  [o.kernel, '/bin/true', '/bin/true'],
  [o.label, 'v3, größer', 'v3, größer'],
])('%o takes %j', (parse, text, value) => {
  expect(parse(text)).toEqual(value);
});

it.each<[(text: string) => unknown, readonly string[]]>([
  [o.whole(1, 16), ['', '0', '17', '-1', '1.5', '1e1', ' 4', '4 ', '0x', '٣', 'NaN', 'Infinity']],
  [o.label, ['', ' ', 'a\nb', 'a\u001b[2Jb', '\u202eb', 'x'.repeat(101)]],
  [o.seconds, ['0', '2147484', '4294967296', '1e3']],
  [o.mask32, ['', '-1', '0x100000000', 'x']],
  [
    o.size(2 * 2 ** 20, 3 * GIB),
    ['', '1', '1M', '2047K', '4G', '2049K', '2MiB', '1T', '2 M', '-2M', 'M', '9'.repeat(400)],
  ],
  [o.list(o.whole(1, 8)), ['', '1,,2', '1,9', '1,', ',']],
  [o.pciAddress, ['', '00:02.0', '0000:00:20.0', '0000:00:02.8', '0000:00:02.0\n']],
  [o.shard, ['', '0/2', '3/2', '1/0', '1', '1/2/3', '1/x']],
  [
    o.moduleParameter,
    [
      '',
      'kvm.x',
      'kvm.x=',
      'init=/bin/sh',
      'a.b.c=d',
      'KVM.x=1',
      'drm.x=1',
      'kvm.x=a b',
      'kvm.x=a\n',
      'kvm.x="a',
      'kvm.x=\u00a0',
    ],
  ],
  [o.kernel, ['', 'debian:', 'debian:6.1/../..', '/nonexistent', '/']],
  [o.existingFile, ['', '/nonexistent', '/']],
  [o.outputFile, ['']],
])('%o takes none of %j', (parse, texts) => {
  for (const text of texts) expect(() => parse(text), JSON.stringify(text)).toThrow(InvalidArgumentError);
});

/** Any signs at all. fast-check's own strings of all of Unicode take seconds to begin. */
const anyText = fc.array(fc.nat(0x10_ffff)).map((signs) => String.fromCodePoint(...signs));

it('lets nothing onto the kernel command line but one parameter of a module', () => {
  fc.assert(
    fc.property(anyText, (value) => {
      let word: string;
      try {
        word = o.moduleParameter(`kvm.x=${value}`);
      } catch {
        return;
      }
      expect(word).toMatch(/^kvm\.x=[!-~]+$/);
      expect(word).not.toContain('"');
    }),
  );
});

it('a repeatable option is a list, empty if it is never given, and its help has no default', () => {
  const command = o.addRepeatable(new Command('x'), '--n <n>', 'numbers', o.whole(0, 9)).action(() => {});

  expect(command.opts()).toEqual({ n: [] });
  expect(command.helpInformation()).not.toContain('default');
  command.parse(['--n', '1', '--n=2'], { from: 'user' });
  expect(command.opts()).toEqual({ n: [1, 2] });
});
