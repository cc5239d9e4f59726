// QEMU, which emulates an AMD processor with SVM where this machine gives no KVM.
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { SetupError } from '../lib/failure.mjs';

/** Far more than the tests take: a machine that hangs is to end. */
const LIMIT_MS = 75 * 60_000;
/** Ahead of what runs beside it: it is the last to end. */
const PRIORITY = -10;
const share = (tag, path, options) =>
  `local,path=${path.replaceAll(',', ',,')},mount_tag=${tag},security_model=none,multidevs=remap${options}`;

/**
 * @param {{ image: string, initrd: string, reports: string }} machine paths
 * @returns words for QEMU
 */
const words = ({ image, initrd, reports }) => [
  ...['-machine', 'q35', '-cpu', 'max', '-smp', '2', '-m', '6G'],
  // One thread for all processors: with one each, QEMU 7.2 lets a processor run code that another one has just patched (int3 oops).
  ...['-accel', 'tcg,thread=single'],
  ...[
    '-display',
    'none',
    '-vga',
    'none',
    '-monitor',
    'none',
    '-serial',
    'stdio',
    '-nic',
    'none',
    '-no-reboot',
  ],
  ...['-virtfs', share('files', '/', ',readonly=on'), '-virtfs', share('reports', reports, '')],
  ...['-kernel', image, '-initrd', initrd],
  ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off'],
];

/**
 * Run the machine to its end, its console on our stdout.
 * @throws SetupError where it does not end
 */
export function runMachine(machine) {
  return new Promise((resolve, reject) => {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...words(machine)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (child.pid !== undefined) setPriority(child.pid, PRIORITY);
    const end = (error) => {
      child.kill('SIGKILL');
      reject(error);
    };
    const timer = setTimeout(
      () => end(new SetupError(`no end after ${LIMIT_MS / 60_000} minutes`)),
      LIMIT_MS,
    );
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    const stop = (signal) => {
      const error = new SetupError(`the emulated machine was ended by ${signal}`);
      error.status = 128 + constants.signals[signal];
      end(error);
    };
    for (const signal of signals) process.once(signal, stop);
    child.once('error', reject);
    child.once('exit', () => {
      clearTimeout(timer);
      for (const signal of signals) process.off(signal, stop);
      resolve();
    });
  });
}
