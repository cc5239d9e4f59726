import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;

/** A process's start time in ticks since boot (field 22 of /proc/PID/stat): with the pid it names a process for good. */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function readOwner(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(owner) {
  const [pid, started] = owner.split(' ');
  return started !== undefined && startTime(pid) === started;
}

/** Take `path` by linking a file that already holds our name, so that no one sees a lock without its owner. */
function tryTake(path, self) {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, self);
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    unlinkSync(mine);
  }
}

/** Move a dead owner's lock away; put it back if it turns out to be a newer, living owner's. */
function sweep(path) {
  const aside = `${path}.dead.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (isAlive(readFileSync(aside, 'utf8'))) renameSync(aside, path);
  else rmSync(aside, { force: true });
}

/**
 * Run `work` while holding the lock file `path`; wait while another living process holds it.
 * The lock of a process that was killed is taken over.
 */
export async function withLock(path, work, onWait = () => {}) {
  mkdirSync(dirname(path), { recursive: true });
  const self = `${process.pid} ${startTime(process.pid)}`;
  let waited = false;
  while (!tryTake(path, self)) {
    const owner = readOwner(path);
    if (owner !== undefined && !isAlive(owner)) sweep(path);
    else if (owner !== undefined && !waited) {
      onWait(owner.split(' ')[0]);
      waited = true;
    }
    if (waited) await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    if (readOwner(path) === self) rmSync(path, { force: true });
  }
}
