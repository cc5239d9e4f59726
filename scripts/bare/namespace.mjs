import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

export const SCRIPT = fileURLToPath(new URL('namespace.sh', import.meta.url));

/** setpriv ends unshare together with us, and unshare its first process: the kernel then ends the others and drops the mounts. */
const NAMESPACES = [
  ...['--pdeathsig', 'KILL', 'unshare', '--mount', '--propagation', 'private'],
  ...['--pid', '--fork', '--kill-child', 'sh', SCRIPT],
];

/** The command that runs namespace.sh with `args` in namespaces of its own. */
export const namespaced = (args) => ['setpriv', [...NAMESPACES, ...args]];

/**
 * Run namespace.sh in the foreground and answer its exit status; 128 + n when signal n interrupted us.
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export function runNamespaced(args, env) {
  return new Promise((resolve, reject) => {
    const [command, words] = namespaced(args);
    // Away from the terminal's process group: Ctrl-C is ours to pass on.
    const child = spawn(command, words, { env, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    let interruptedBy;
    const end = (signal) => {
      interruptedBy ??= signal;
      child.kill('SIGKILL');
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, end);
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      for (const name of signals) process.off(name, end);
      const ended = interruptedBy ?? signal;
      resolve(ended ? 128 + constants.signals[ended] : status);
    });
  });
}
