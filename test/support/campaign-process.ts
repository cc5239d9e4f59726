import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { BIN } from './cli.js';
import { scratchDir } from './fake-host.js';

const POLL_MS = 10;

/** A campaign of one job that goes on for a minute. */
export const LONG_CAMPAIGN = `
campaign: long
kernels: [host]
scenarios: [msr]
repeat: 1000
limits: { backoff: 0 }
`;

/** A campaign's file in a folder of its own, which goes with the test. */
export function campaignFile(yaml: string): string {
  const folder = scratchDir();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'test.yaml');
  writeFileSync(file, yaml);
  return file;
}

/** A command that runs jobs, beside the test. */
export class CampaignProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<{ status: number | null; stderr: string; stdout: string }>;
  readonly #text = { stdout: '', stderr: '' };

  private constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [BIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.child.stdout?.on('data', (data) => {
      this.#text.stdout += data;
    });
    this.child.stderr?.on('data', (data) => {
      this.#text.stderr += data;
    });
    onTestFinished(() => void this.child.kill('SIGKILL'));
    this.ended = once(this.child, 'close').then(([status]) => ({ status, ...this.#text }));
  }

  /** `campaign` with these arguments. */
  static campaign(...args: string[]): CampaignProcess {
    return new CampaignProcess(['campaign', ...args]);
  }

  /** The same by a queue. */
  static queued(queue: string, ...args: string[]): CampaignProcess {
    return new CampaignProcess(['campaign', ...args], { KVM_MEMTYPE_QUEUE: queue });
  }

  /** `worker` with these arguments. */
  static worker(queue: string, ...args: string[]): CampaignProcess {
    return new CampaignProcess(['worker', ...args], { KVM_MEMTYPE_QUEUE: queue });
  }

  /** Wait until it has told something. */
  async said(text: string): Promise<void> {
    while (!this.#text.stderr.includes(text)) {
      if (this.isOver) throw new Error(`it ended: ${(await this.ended).stderr}`);
      await sleep(POLL_MS);
    }
  }

  get isOver(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The processes of jobs that run. */
  jobs(): number[] {
    return childrenOf(this.child.pid as number).filter((pid) => commandOf(pid).includes('\0campaign\0job\0'));
  }

  /** The process of a job, other than those given, once there is one. */
  async job(others: readonly number[] = []): Promise<number> {
    for (;;) {
      const pid = this.jobs().find((one) => !others.includes(one));
      if (pid !== undefined) return pid;
      if (this.isOver) throw new Error(`it ended: ${(await this.ended).stderr}`);
      await sleep(POLL_MS);
    }
  }
}

/** Workers for jobs of this machine's own KVM. */
export class QueueWorkers {
  /** @param lock seconds after which one is taken for dead */
  constructor(private readonly lock = 2) {}

  /** @param cache where it keeps files; a folder of its own if not given */
  start(queue: string, cache?: string): CampaignProcess {
    const folder = cache ?? scratchDir();
    if (cache === undefined) onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const how = ['--labels', 'vtx', '--lock', String(this.lock), '--no-proof'];
    return CampaignProcess.worker(queue, ...how, '--cache', folder);
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
  } catch {
    return []; // it ended just now
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Wait until a process is gone, its children included. */
export async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => commandOf(pid) !== '')) await sleep(POLL_MS);
}
