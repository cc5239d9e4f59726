import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SetupError } from './failure.mjs';
import { firstError } from './first-error.mjs';

const QUIET_MS = 1_000;
const HEARTBEAT_MS = 30_000;
const TAIL_LINES = 20;

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;
const say = (text) => process.stderr.write(`kvm-memtype setup: ${text}\n`);

/** Await `work`; announce `what` once it has taken a second, then say now and again that it goes on, and how long it took. */
async function withProgress(what, work) {
  const start = Date.now();
  let announced = false;
  const announce = () => {
    say(announced ? `still ${what} (${seconds(start)})` : `${what} ...`);
    announced = true;
  };
  const first = setTimeout(announce, QUIET_MS);
  const heartbeat = setInterval(announce, HEARTBEAT_MS);
  try {
    const result = await work();
    if (announced) say(`${what}: done in ${seconds(start)}`);
    return result;
  } finally {
    clearTimeout(first);
    clearInterval(heartbeat);
  }
}

/** What a failed command's log tells: its first error with the lines that explain it, else its last lines. */
function evidence(path, count = TAIL_LINES) {
  const text = readFileSync(path, 'utf8');
  const [error, ...context] = firstError(text);
  const last = text.split('\n').filter((line) => line.trim() !== '');
  return { error, tail: error === undefined ? last.slice(-count) : context };
}

function spawnLogged(command, args, options, fd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', fd, fd] });
    child.once('error', (error) => reject(new Error(`${command} cannot be started (${error.code})`)));
    child.once('exit', (status, signal) => {
      if (status === 0) resolve();
      else
        reject(
          new Error(signal ? `${command} was ended by ${signal}` : `${command} ended with status ${status}`),
        );
    });
  });
}

/** Have compilers speak the language that their errors are looked for in. */
const inEnglish = (env) => ({ ...env, LC_ALL: 'C' });

/**
 * Run one command with its output in `logs`/NAME.log; .setup/log by default (build/ is cmake's and node-gyp's, who wipe it).
 * @throws SetupError with the first error out of the log, and where the log is, when it fails
 */
export async function runStep(what, name, command, args, { cwd, env = process.env, logs = '.setup/log' }) {
  const log = join(logs, `${name}.log`);
  const path = resolve(cwd, log);
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'w');
  try {
    await withProgress(what, () => spawnLogged(command, args, { cwd, env: inEnglish(env) }, fd));
  } catch (failure) {
    const { error, tail } = evidence(path);
    throw new SetupError(`${what} failed: ${error ?? failure.message}; the whole log is in ${log}`, {
      code: 'SETUP_STEP',
      tail,
    });
  } finally {
    closeSync(fd);
  }
}
