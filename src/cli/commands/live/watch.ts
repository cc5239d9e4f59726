import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { Command, Option } from 'commander';
import { scheduleIdle } from '../../../kvm/index.js';
import { sweepTracefs } from '../../../observe/tracefs.js';
import { VM_BUFFER_KIB, VmObserver } from '../../../observe/vm-observer.js';
import { checkWritable } from '../../../process/output-file.js';
import { startTime } from '../../../process/owner.js';
import { textWidth } from '../../../text/wrap.js';
import { follow } from '../../../watch/follow.js';
import { askHost, WatchError, type WatchHost } from '../../../watch/host.js';
import { descendsFrom, hasVm, processNamed, threadsOf, WatchTargetError } from '../../../watch/processes.js';
import { readWatchFile, WatchRecorder } from '../../../watch/record.js';
import { isAsExpected, reportOf } from '../../../watch/report.js';
import { jsonView, liveView, type Screen, textView, type View } from '../../../watch/view.js';
import { Watcher } from '../../../watch/watcher.js';
import { EXIT_ENVIRONMENT, UsageError } from '../../errors.js';
import { addHelp, type Help, USAGE_STATUS } from '../../options/help.js';
import { policyOption, tellAssumption } from '../../options/policy.js';
import { existingFile, outputFile, seconds, whole } from '../../options/values.js';
import { interrupted, onInterrupt } from '../../terminal/interrupt.js';
import { log } from '../../terminal/log.js';
import { say } from '../../terminal/say.js';

interface WatchOptions {
  pid?: number;
  name?: string;
  replay?: string;
  policy: string;
  maxphyaddr?: number;
  interval: number;
  buffer: number;
  time?: number;
  format: 'text' | 'json';
  record?: string;
}

const MOST_PIDS = 2 ** 22;
const MOST_MS = 60_000;
const [LEAST_KIB, MOST_KIB] = [4, 2 ** 20];

const HELP: Help = {
  what:
    'Watch the VMs of another process, whoever’s it is, while they run: memory types as their leaves form, writes of MTRRs and the PAT, ' +
    'non-coherent DMA, zaps and what they cost, leaves that went stale, and what the model says of it all. The VM is not stopped. It takes ' +
    'root, and KVM on Intel. Ends with the process, or by Ctrl-C.',
  examples: [
    ['watch --pid 4711', 'a VM that runs'],
    ['watch --name qemu-system-x86_64', 'the same, by name'],
    ['watch -- qemu-system-x86_64 -accel kvm -m 1G disk.img', 'one that is started, from its first moment'],
    ['watch --replay vm.trace --policy 7.2', 'what --record kept, held against the rules of Linux 7.2'],
  ],
  statuses: [
    [0, 'all that was seen is as the model expects'],
    [1, 'something is not'],
    [2, `no VM was seen; or ${USAGE_STATUS[1]}`],
  ],
};

const screen = (): Screen => ({
  write: (text) => void process.stdout.write(text),
  width: textWidth(process.stdout),
  height: process.stdout.rows ?? 24,
});

function viewOf({ format }: WatchOptions): View {
  if (format === 'json') return jsonView(screen());
  return process.stdout.isTTY ? liveView(screen()) : textView(screen());
}

/** What is watched. */
interface Target {
  readonly pid: number;
  readonly isAlive: () => boolean;
  /** It has no VM yet. */
  readonly fromStart: boolean;
}

function running(pid: number): Target {
  const start = startTime(pid);
  if (start === undefined) throw new WatchTargetError(`there is no process ${pid}`);
  return { pid, isAlive: () => startTime(pid) === start, fromStart: !hasVm(pid) };
}

/** Start a command; its output goes to our stderr, and it is ended if we are. */
function started([tool = '', ...args]: readonly string[]): Promise<Target> {
  const child = spawn(tool, args, { stdio: ['ignore', 2, 2] });
  onInterrupt(() => child.kill());
  return new Promise((resolve, reject) => {
    child.once('error', ({ message }) => reject(new WatchTargetError(`cannot start ${tool}: ${message}`)));
    child.once('spawn', () =>
      resolve({
        pid: child.pid ?? 0,
        isAlive: () => child.exitCode === null && child.signalCode === null,
        fromStart: true,
      }),
    );
  });
}

/**
 * Leave the processors to guests: what is not read at once waits in the kernel's buffer. On Linux each thread has a priority of its own. What
 * is started later inherits it, so the command that is watched must run already.
 */
function giveWay(): void {
  for (const tid of threadsOf(process.pid)) {
    try {
      setPriority(tid, constants.priority.PRIORITY_LOW);
    } catch {
      // The thread ended just now.
    }
    // Where a guest has the only processor, even the lowest priority takes one part in seventy of it.
    scheduleIdle(tid, true);
  }
}

/** There is no guest to make way for any more. */
function takeTurns(): void {
  for (const tid of threadsOf(process.pid)) scheduleIdle(tid, false);
}

function statusOf(watcher: Watcher): number {
  if (watcher.vms.length === 0) {
    const why = watcher.lost > 0 ? ': what tells of one may be among the events that were lost' : '';
    say(`no VM was seen${why}`);
    return EXIT_ENVIRONMENT;
  }
  return watcher.vms.every((vm) => isAsExpected(reportOf(vm))) ? 0 : 1;
}

/** Have what killed runs left removed, then put probes on KVM. */
function observe({ root }: WatchHost, tids: readonly number[] | undefined, bufferKib: number): VmObserver {
  const removed: string[] = [];
  for (const problem of sweepTracefs(root, (what) => removed.push(what))) log().warn(problem);
  if (removed.length > 0)
    say(`removed what a killed run left: ${removed.length} probes and tracing instances`);
  try {
    return new VmObserver(root, tids, bufferKib);
  } catch (error) {
    throw new WatchError(`the kernel takes no probes on KVM: ${(error as Error).message}`);
  }
}

async function watchLive(options: WatchOptions, command: readonly string[]): Promise<void> {
  const { name, record } = options;
  const host = askHost(options.policy, options.maxphyaddr);
  const pid = name === undefined ? options.pid : processNamed(name);
  const found = pid === undefined ? undefined : running(pid);
  // Probes first: a command's VM is watched from its first moment.
  const tids = found === undefined || found.fromStart ? undefined : threadsOf(found.pid);
  using observer = observe(host, tids, options.buffer);
  const target = found ?? (await started(command));
  giveWay();
  const watcher = new Watcher(host.facts, (tid) => descendsFrom(tid, target.pid), target.fromStart);
  const { fromStart } = target;
  const { release, cpu } = host;
  const about = { startedAt: new Date().toISOString(), release, cpu, fromStart };
  const recorder = record === undefined ? undefined : new WatchRecorder(record, host.facts, about);
  const view = viewOf(options);
  const limit = options.time === undefined ? [] : [AbortSignal.timeout(options.time * 1000)];
  const following = follow({
    ...{ observer, watcher, intervalMs: options.interval, isAlive: target.isAlive },
    signal: AbortSignal.any([interrupted, ...limit]),
    onText: (text) => recorder?.add(text),
    onLook: () => view.update(watcher),
  }).finally(() => {
    takeTurns();
    observer.close();
    recorder?.close(watcher.seen);
    view.end(watcher);
  });
  onInterrupt(() => following);
  await following;
  process.exitCode = statusOf(watcher);
}

async function watchAgain(file: string, options: WatchOptions): Promise<void> {
  const policy = options.policy === 'auto' ? undefined : options.policy;
  const watcher = (await readWatchFile(file)).watch(policy, false, options.maxphyaddr);
  viewOf(options).end(watcher);
  process.exitCode = statusOf(watcher);
}

async function watch(command: readonly string[], options: WatchOptions): Promise<void> {
  const { pid, name, replay, record } = options;
  const ways = [pid, name, replay, command.length > 0 ? command : undefined];
  if (ways.filter((way) => way !== undefined).length !== 1)
    throw new UsageError('one of --pid, --name, --replay and a command behind -- is needed');
  tellAssumption(options.policy);
  if (replay !== undefined) return watchAgain(replay, options);
  if (record !== undefined) checkWritable(record, '--record');
  return watchLive(options, command);
}

/** `kvm-memtype watch`: the VMs of another process, live. */
export function watchCommand(): Command {
  return addHelp(new Command('watch'), HELP)
    .argument('[command...]', 'start this, and watch it from its first moment')
    .option('--pid <n>', 'watch the VMs of this process', whole(1, MOST_PIDS))
    .option('--name <name>', 'watch the VMs of the process with this name')
    .option('--replay <file>', 'show again what --record kept', existingFile)
    .addOption(policyOption('leaves'))
    .option(
      '--maxphyaddr <bits>',
      "the guest's physical-address bits, 36 to 52 (default: those of this machine)",
      whole(36, 52),
    )
    .addOption(new Option('--interval <ms>', 'look this often').argParser(whole(10, MOST_MS)).default(1000))
    .addOption(
      new Option('--buffer <KiB>', 'of the kernel, for each processor: what happens between two looks')
        .argParser(whole(LEAST_KIB, MOST_KIB))
        .default(VM_BUFFER_KIB),
    )
    .option('--time <s>', 'end after so many seconds', seconds)
    .addOption(new Option('--format <name>', 'how to show it').choices(['text', 'json']).default('text'))
    .option('--record <file>', 'keep the trace, for --replay and `judge`', outputFile)
    .action(watch);
}
