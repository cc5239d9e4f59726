import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { PATIENCE } from '../patience.js';
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

  private constructor(args: readonly string[], env: Record<string, string> = {}, before = ':') {
    // What is mounted before is seen by this command alone.
    const alone = before === ':' ? [] : ['unshare', '-m', 'sh', '-c', `${before} && exec "$@"`, 'sh'];
    const [tool, ...words] = [...alone, process.execPath, BIN, ...args] as [string, ...string[]];
    this.child = spawn(tool, words, {
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

  /** A command on a machine with so many NUMA nodes. */
  static onNodes(nodes: number, ...args: string[]): CampaignProcess {
    const folder = '/sys/devices/system/node';
    const made = Array.from({ length: nodes }, (_, i) => `${folder}/node${i}`);
    return new CampaignProcess(args, {}, `mount -t tmpfs none ${folder} && mkdir ${made.join(' ')}`);
  }

  /** The same by a queue. */
  static queued(queue: string, ...args: string[]): CampaignProcess {
    return new CampaignProcess(['campaign', ...args], { KVM_MEMTYPE_QUEUE: queue });
  }

  /** `worker` with these arguments. */
  static worker(
    queue: string,
    args: readonly string[],
    env: Record<string, string> = {},
    before?: string,
  ): CampaignProcess {
    return new CampaignProcess(['worker', ...args], { KVM_MEMTYPE_QUEUE: queue, ...env }, before);
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
  /** @param lock seconds after which one is taken for dead: a machine that is slow does not renew it in two */
  constructor(private readonly lock = PATIENCE === 1 ? 2 : 10) {}

  #args(cache: string): string[] {
    return ['--labels', 'vtx', '--lock', String(this.lock), '--cache', cache];
  }

  /** @param cache where it keeps files; a folder of its own if not given */
  start(queue: string, cache = ownFolder(), env?: Record<string, string>): CampaignProcess {
    return CampaignProcess.worker(queue, [...this.#args(cache), '--no-proof'], env);
  }

  /** One that proves itself, on a machine on which a command was run before. */
  prove(queue: string, before?: string): CampaignProcess {
    return CampaignProcess.worker(queue, this.#args(ownFolder()), {}, before);
  }
}

/** A folder that goes with the test. */
function ownFolder(): string {
  const folder = scratchDir();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
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
