import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './failure.mjs';

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

/** The last lines of a log that hold anything. */
function tailOf(path, count = TAIL_LINES) {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line.trim() !== '').slice(-count);
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

/**
 * Run one command with its output in .setup/log/NAME.log (build/ is cmake's and node-gyp's, who wipe it).
 * @throws SetupError with the log's tail when it fails
 */
export async function runStep(what, name, command, args, { cwd, env = process.env }) {
  const log = join('.setup', 'log', `${name}.log`);
  mkdirSync(join(cwd, '.setup', 'log'), { recursive: true });
  const fd = openSync(join(cwd, log), 'w');
  try {
    await withProgress(what, () => spawnLogged(command, args, { cwd, env }, fd));
  } catch (error) {
    throw new SetupError(`${what} failed: ${error.message}; the whole log is in ${log}`, {
      code: 'SETUP_STEP',
      tail: tailOf(join(cwd, log)),
    });
  } finally {
    closeSync(fd);
  }
}
