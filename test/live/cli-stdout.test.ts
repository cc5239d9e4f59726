import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { patiently } from '../patience.js';
import { NEEDS_KVM } from '../require.js';
import { BIN } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-stdout-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Leave no room in the pipe that is stdout. */
const FILL = 'head -c 65536 /dev/zero';

/** Run a line of bash where `$cli` is the command line; its output and status are the shell's. */
const bash = (line: string) =>
  spawnSync('bash', ['-c', `cli="$0 $1"; ${line}`, process.execPath, BIN], {
    encoding: 'utf8',
    cwd: folder,
    timeout: patiently(25_000),
  });

/** What a command says besides what this machine lacks, such as a kernel's log in a container, and how far it is, which it says after a second. */
const withoutWarnings = (stderr: string): string =>
  stderr.replace(/^(kvm-memtype: warning: |running on this host).*\n/gm, '');

describe('a stdout without room is one sentence and status 2', () => {
  it.each([
    '--help',
    '--version',
    'help run',
    'run --help',
    'run --list',
    'run ram/default',
    'run ram/default --format json',
    'explain --map',
    'explain --gpa 0',
    'guest storm',
  ])('%s', NEEDS_KVM, (args) => {
    writeStorm();

    const { status, stderr } = bash(`$cli ${args} > /dev/full`);

    expect(withoutWarnings(stderr)).toBe('kvm-memtype: cannot write to stdout: the disk is full\n');
    expect(status).toBe(2);
  });
});

/** A guest that prints 'x' for ever: mov $0x3f8,%dx; mov $'x',%al; 1: out %al,(%dx); jmp 1b */
function writeStorm(): void {
  writeFileSync(join(folder, 'storm'), Uint8Array.from([0xba, 0xf8, 0x03, 0xb0, 0x78, 0xee, 0xeb, 0xfd]));
}

it('a log that nobody can write changes no status', NEEDS_KVM, () => {
  expect([0, 4]).toContain(bash('$cli -v run ram/default 2> /dev/full > /dev/null').status);
  expect(bash('$cli nonsense 2> /dev/full').status).toBe(2);
});

describe('a guest that prints without end', () => {
  it('ends with 141 when its reader goes away', NEEDS_KVM, () => {
    writeStorm();

    const { stdout, stderr } = bash('$cli guest storm | head -c 5; echo " $PIPESTATUS"');

    expect(stderr).toBe('');
    expect(stdout).toBe('xxxxx 141\n');
  });

  it('ends with its --timeout though its reader is stalled', NEEDS_KVM, () => {
    writeStorm();

    const { stdout, stderr } = bash(
      `{ ${FILL}; $cli guest storm --timeout 1; echo $? > status; } | { while [ ! -s status ] && [ $SECONDS -lt 100 ]; do sleep 0.1; done; cat status; }`,
    );

    expect(stderr).toMatch(/^kvm-memtype: the guest did not end within 1 s\n/);
    expect(stdout).toBe('1\n');
  });

  it('dies of the signal though its reader is stalled', NEEDS_KVM, () => {
    writeStorm();

    const { stdout } = bash(
      `{ ${FILL}; $cli guest storm & echo $! > pid; wait $!; echo $? > status2; } | ` +
        '{ sleep 3; kill -TERM $(cat pid); while [ ! -s status2 ] && [ $SECONDS -lt 100 ]; do sleep 0.1; done; cat status2; }',
    );

    expect(stdout).toBe('143\n');
  });
});
