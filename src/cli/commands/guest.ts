import { setImmediate as nextTurn } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { MIB } from '../../arch/units.js';
import { Kvm } from '../../kvm/index.js';
import { readInput } from '../../process/read-file.js';
import { GuestExitError } from '../../vmm/errors.js';
import { Pc, type PcEnd, type PcOptions } from '../../vmm/pc.js';
import { addHelp, USAGE_STATUS } from '../options/help.js';
import { existingFile, seconds, size, whole } from '../options/values.js';
import { interrupted } from '../terminal/interrupt.js';
import { say } from '../terminal/say.js';

interface GuestOptions {
  initrd?: string;
  cmdline: string;
  /** Bytes. */
  memory: number;
  cpus: number;
  timeout?: number;
  qemuExit?: boolean;
}

/** Exit status of a guest that crashed or ran out of time. */
const EXIT_FAILED = 1;

/** Serial output, gathered and written in pieces: a system call per byte would slow the guest down. */
class Output {
  #bytes: number[] = [];

  readonly add = (byte: number): void => {
    this.#bytes.push(byte);
  };

  /** Write what there is; resolves once stdout has taken it, or cannot, or at the abort of `until`. */
  async flush(until: AbortSignal): Promise<void> {
    if (this.#bytes.length === 0) return;
    const bytes = Uint8Array.from(this.#bytes);
    this.#bytes = [];
    await new Promise<void>((go) => {
      const stop = (): void => go();
      until.addEventListener('abort', stop, { once: true });
      process.stdout.write(bytes, () => {
        until.removeEventListener('abort', stop);
        go();
      });
      if (until.aborted) go();
    });
  }
}

/** Aborted when a guest must end: `seconds` from now, if there is a limit, or when the process is interrupted. */
function limit(seconds: number | undefined): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  const timer = seconds === undefined ? undefined : setTimeout(stop, seconds * 1000);
  interrupted.addEventListener('abort', stop, { once: true });
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

async function runToEnd(options: PcOptions, output: Output, until: AbortSignal): Promise<PcEnd | undefined> {
  using kvm = Kvm.open();
  using pc = Pc.create(kvm, options);
  try {
    let end: PcEnd | undefined;
    while (!end && !until.aborted) {
      end = pc.runSlice();
      await output.flush(until);
      await nextTurn();
    }
    return end;
  } finally {
    await output.flush(until);
  }
}

/** The status for a number at port 0xf4: itself, at most 255; or what QEMU's isa-debug-exit makes of it. */
function debugExitStatus(value: number, likeQemu: boolean): number {
  return likeQemu ? ((value << 1) | 1) & 0xff : Math.min(value, 0xff);
}

/** What the shell is to see of an end, and what a person is to read of one that is no success. */
function verdict(
  end: PcEnd | undefined,
  { timeout, qemuExit }: GuestOptions,
): { status: number; message?: string } {
  if (!end) return { status: EXIT_FAILED, message: `the guest did not end within ${timeout} s` };
  if (end.kind === 'debug-exit') return { status: debugExitStatus(end.value, qemuExit === true) };
  if (end.kind === 'triple-fault')
    return { status: EXIT_FAILED, message: 'the guest ended in a triple fault' };
  return { status: 0 };
}

/** The guest's own failure is its status; everything else is for the caller. */
function crash(error: unknown): { status: number; message?: string } {
  if (error instanceof GuestExitError) return { status: EXIT_FAILED, message: error.message };
  throw error;
}

async function runGuest(file: string, o: GuestOptions): Promise<void> {
  const output = new Output();
  const ram = { limit: o.memory, why: "the guest's RAM" };
  const options: PcOptions = {
    image: await readInput(file, ram),
    memory: o.memory,
    cpus: o.cpus,
    cmdline: o.cmdline,
    onSerial: output.add,
    ...(o.initrd !== undefined && { initrd: await readInput(o.initrd, ram) }),
  };
  using until = limit(o.timeout);
  const { status, message } = await runToEnd(options, output, until.signal).then(
    (end) => verdict(end, o),
    crash,
  );
  if (interrupted.aborted) return;
  if (message) say(message);
  process.exitCode = status;
  if (process.stdout.writableLength > 0) leaveUnread(o.timeout);
}

/** End although the reader of stdout is stalled: what it has not taken is lost. */
function leaveUnread(timeout: number | undefined): never {
  say(`stdout was not read to its end within ${timeout} s`);
  process.exit(EXIT_FAILED);
}

/** `kvm-memtype guest <file>`: run a guest of one's own, its serial port on stdout, its debug-exit value as status. */
export function guestCommand(): Command {
  return addHelp(new Command('guest'), {
    what:
      'Run a guest: a bzImage, an ELF with a multiboot 1 header or a PVH note, or a flat binary (real mode, 0x7c00). ' +
      'COM1 goes to stdout.',
    examples: [
      [
        'guest build/Release/hello.elf --memory 64M --cmdline exit=3',
        'a guest that comes with this program: it prints what it was given, and ends with status 3',
      ],
      ['guest test.elf --timeout 10', 'run a test that must end within 10 seconds'],
    ],
    statuses: [
      [0, 'a power-off, a reset, or a halt with interrupts off'],
      [1, 'a triple fault, or the time is over'],
      USAGE_STATUS,
      ['n', 'the number that the guest wrote to port 0xf4, at most 255'],
    ],
  })
    .argument('<file>', 'what to run', existingFile)
    .option('--initrd <file>', 'initial RAM disk, or the one boot module', existingFile)
    .option('--cmdline <text>', 'command line', '')
    .addOption(
      new Option('--memory <size>', 'RAM, 2M to 3G; a plain number is MiB')
        .argParser(size(2 * MIB, 3072 * MIB))
        .default(128 * MIB, '128M'),
    )
    .option('--cpus <n>', 'CPUs, 1 to 16, in turn on one thread', whole(1, 16), 1)
    .option('--qemu-exit', 'a number n at port 0xf4 gives status (n << 1) | 1, as from QEMU')
    .option('--timeout <s>', 'give up after so many seconds', seconds)
    .action(runGuest);
}
