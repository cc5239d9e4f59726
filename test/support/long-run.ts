import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { BIN } from './cli.js';

const POLL_MS = 20;

/** How a process ended, and what it wrote. */
export interface End {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A run of the command line on this host that goes on for minutes, in a process group of its own, until it is ended. */
export class LongRun {
  readonly child: ChildProcess;
  readonly end: Promise<End>;

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [BIN, 'run', 'msr', '--repeat', '1000', ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const text = { stdout: '', stderr: '' };
    this.child.stdout?.on('data', (data) => {
      text.stdout += data;
    });
    this.child.stderr?.on('data', (data) => {
      text.stderr += data;
    });
    // A test that fails must not leave it running.
    onTestFinished(() => {
      if (this.child.exitCode === null && this.child.signalCode === null) this.signalGroup('SIGKILL');
    });
    this.end = once(this.child, 'close').then(([status, signal]) => ({ status, signal, ...text }));
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Wait until `ready` has something to give. */
  async until<T>(ready: () => T | undefined): Promise<T> {
    for (;;) {
      const value = ready();
      if (value !== undefined) return value;
      if (this.child.exitCode !== null) throw new Error(`the run ended: ${(await this.end).stderr}`);
      await sleep(POLL_MS);
    }
  }

  /** The process of the agent, once it is there. */
  agent(): Promise<number> {
    return this.until(() => childOf(this.pid));
  }

  /** Send a signal as a terminal does: to the whole process group. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }
}

/** The first child of a process that is the agent. */
function childOf(pid: number): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return children
    .filter(Boolean)
    .map(Number)
    .find((child) => commandOf(child).includes('agent.cjs'));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it ended just now
  }
}
