import { describe, expect, it } from 'vitest';
import { resultsOf, runCli } from '../support/cli.js';

const IMAGE = '/bin/true';

/** Each row: what stands on the command line, and what must be said of it before anything runs. */
const BAD: readonly (readonly [readonly string[], string])[] = [
  [['run', '--timeout', '2147484'], 'a whole number from 1 to 2147483 is needed'],
  [['run', '--timeout', '1e3'], 'a whole number from 1 to 2147483 is needed'],
  [['run', '--timeout', ''], 'a whole number from 1 to 2147483 is needed'],
  [['run', '--repeat', '1000000000', 'ram'], 'a whole number from 1 to 1000 is needed'],
  [['run', '--repeat', '1000'], 'results, and 20000 at most can be kept'],
  [['run', '--virtio-type', '4294967296'], 'a whole number from 1 to 4294967295 is needed'],
  [['run', '--memslot-flag', '32'], 'a whole number from 2 to 31 is needed'],
  [['run', '--shard', '3/2'], 'i/n with 1 <= i <= n is needed'],
  [['run', '--vfio', '00:02.0'], 'a PCI address such as 0000:00:02.0 is needed'],
  [['run', '--policy', 'nope'], "no policy is called 'nope'"],
  [['run', '--param', 'kvm.tdp_mmu=N'], '--param needs a --kernel'],
  [['run', '--param', 'init=/bin/sh', '--kernel', IMAGE], 'module.name=value'],
  [['run', '--param', 'kvm.x=a b', '--kernel', IMAGE], 'of ASCII without blanks'],
  [['run', '--param', 'kvm.x=a\nb', '--kernel', IMAGE], 'of ASCII without blanks'],
  [['run', '--param', 'kvm.x="a', '--kernel', IMAGE], 'of ASCII without blanks'],
  [['run', '--param', 'sysrq.x=1', '--kernel', IMAGE], 'kvm, kvm_intel'],
  [['run', '--patch', '/nonexistent'], 'there is no such file'],
  [['run', '--patch', IMAGE], '--patch needs a kernel that is built'],
  [['run', '--patch', IMAGE, '--kernel', IMAGE], `: ${IMAGE} is an image`],
  [['run', '--kernel-coverage'], '--kernel-coverage needs a --kernel'],
  [['run', '--kernel-coverage', '--kernel', IMAGE, '--record', 'r.kmr'], 'beside --record'],
  [['run', '--kernel-coverage-folder', 'x', '--kernel', IMAGE, '--kernel', IMAGE], 'a folder of its own'],
  [['run', '--kernel', ''], 'the path of a bzImage, or debian:<version>, is needed'],
  [['run', '--kernel', 'debian:'], 'the path of a bzImage, or debian:<version>, is needed'],
  [['run', '--kernel', '/nonexistent'], 'there is no such file'],
  [['run', '--kernel', '/'], 'it is a folder'],
  [['run', '--kernel', IMAGE, '--vfio', '0000:00:02.0'], '--vfio names a device of this machine'],
  [['run', '--output', ''], 'the name of a file is needed'],
  [['run', '--output', '/tmp/x.json', '--format', 'json', '--output', ''], 'the name of a file is needed'],
  [['run', '(a+)+b'], 'no scenario is called (a+)+b'],
  [['run', '--list', '--shard', '0/2'], 'i/n with 1 <= i <= n is needed'],
  [['zaps', '--policy', 'nope', '--kernel', IMAGE], "no policy is called 'nope'"],
  [['zaps', '--kernel', ''], 'the path of a bzImage, or debian:<version>, is needed'],
  [['zaps', '--kernel', '/nonexistent'], 'there is no such file'],
  [['zaps', '--vfio', 'x', '--engine', 'host'], 'a PCI address such as 0000:00:02.0 is needed'],
  [['zaps', '--kernel', IMAGE, '--vfio', '0000:00:02.0'], '--vfio names a device of this machine'],
  [['zaps', '--kernel', IMAGE, '--vcpus', '1,,2'], 'a whole number from 1 to 8 is needed'],
  [['zaps', '--kernel', IMAGE, '--vcpus', '9'], 'a whole number from 1 to 8 is needed'],
  [['zaps', '--kernel', IMAGE, '--memory', '1,257'], 'from 1M to 256M'],
  [['zaps', '--kernel', IMAGE, '--memory', '512K'], 'from 1M to 256M'],
  [['zaps', '--kernel', IMAGE, '--timeout', '1,2'], 'a whole number from 1 to 2147483 is needed'],
  [['fuzz', 'nonsense'], 'no random steps are about nonsense: there are mtrr, pat'],
  [['fuzz', '--seed', '2147483648'], 'a whole number from 0 to 2147483647 is needed'],
  [['fuzz', '--kernel', IMAGE, '--kernel', IMAGE], 'one --kernel at a time'],
  [['matrix', '--timeout', '2147484'], 'a whole number from 1 to 2147483 is needed'],
  [['matrix', '--only', 'nope'], 'it is one of 5.10, 5.10+noiommu, 6.1, 6.1+A-6.2'],
  [['matrix', '--param', 'init=/bin/sh'], 'module.name=value'],
  [['kernel', 'build', '--source', ''], 'is needed'],
  [['kernel', 'build', '--source', 'debian:6.1', '--jobs', '0'], 'a whole number from 1 to 1024 is needed'],
  [['kernel', 'build', '--source', 'debian:6.1', '--jobs', '1e9'], 'a whole number from 1 to 1024 is needed'],
  [['kernel', 'build', '--source', 'debian:6.1', '--output', ''], 'the name of a file is needed'],
  [['kernel', 'build', '--source', 'debian:6.1', '--patch', '/nonexistent'], 'there is no such file'],
  [['kernel', 'build', '--source', 'debian:6.1', '--config', '/'], 'it is a folder'],
  [['explain', '--gpa', '-1'], 'is not a number'],
  [['explain', '--gpa', '0', '--map'], '--gpa and --map'],
  [['explain', '--map', '--disable-quirks', '0x100000000'], 'a mask from 0 to 0xffffffff is needed'],
  [['explain', '--map', '--maxphyaddr', '53'], 'a whole number from 36 to 52 is needed'],
  [['explain', '--map', '--pat-entry', '8'], 'a whole number from 0 to 7 is needed'],
  [['explain', '--map', '--state', ''], 'there is no such file'],
  [['explain', '--map', '--policy', 'nope'], "no policy is called 'nope'"],
  [['explain', '--map', '--format', 'xml'], "argument 'xml' is invalid"],
  [['guest', IMAGE, '--memory', '1'], 'a size from 2M to 3G'],
  [['guest', IMAGE, '--memory', '4G'], 'a size from 2M to 3G'],
  [['guest', IMAGE, '--memory', '2049K'], 'in whole pages of 4K'],
  [['guest', IMAGE, '--memory', '1e2'], 'a size from 2M to 3G'],
  [['guest', IMAGE, '--cpus', '17'], 'a whole number from 1 to 16 is needed'],
  [['guest', IMAGE, '--timeout', '2147484'], 'a whole number from 1 to 2147483 is needed'],
  [['guest', ''], 'there is no such file'],
  [['guest', IMAGE, '--initrd', '/'], 'it is a folder'],
];

describe('an option that cannot be is one sentence and status 2, before anything runs', () => {
  const resultOf = resultsOf(BAD.map(([args]) => args));

  it.each(BAD.map((row, i) => [...row, i] as const))('%j', (_, message, i) => {
    const { status, stdout, stderr } = resultOf(i);

    expect(stderr).toMatch(/^kvm-memtype: [^\n]+\n$/);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('ends a process of its own in the same way', async () => {
    const [args] = BAD[0] as (typeof BAD)[number];

    expect(await runCli(args)).toEqual(resultOf(0));
  });
});
