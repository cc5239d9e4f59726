import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sweepLeftovers } from '../agent/leftovers.js';
import { LabError } from '../lab/errors.js';
import { type LabOutcome, makeScratch, removeScratch, runInLab, sweepLab } from '../lab/index.js';
import { type AgentSpec, encodeSpec } from '../recording/spec.js';

/** Where scenarios run. */
export type EngineName = 'host' | 'bochs' | 'qemu-tcg';

/** One run of an agent. */
export interface AgentRun {
  engine: EngineName;
  /** Path of the bzImage; unused on the host. */
  kernel: string | undefined;
  spec: AgentSpec;
  /** Module parameters, `module.name=value`, for the lab's kernel. */
  params: readonly string[];
  timeoutMs: number;
  /** A line that the agent printed. Untrusted. */
  onLine: (line: string) => void;
  onConsole?: (line: string) => void;
  signal?: AbortSignal;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const AGENT = join(ROOT, 'dist/lab/agent.cjs');
const STDERR_KEPT = 20;

/** Files that the agent needs inside the lab. */
const LAB_FILES = [
  ['build/Release/kvm_memtype.node', '/app/build/Release/kvm_memtype.node'],
  ['build/Release/probe.elf', '/app/build/Release/probe.elf'],
  ['dist/lab/agent.program.js', '/app/dist/lab/agent.program.js'],
  ['dist/lab/agent.program.cache', '/app/dist/lab/agent.program.cache'],
] as const;

const stopped = (): LabError => new LabError('LAB_ABORTED', 'the run was stopped');

/** Run the agent as a child process, so that a kernel that never lets it go cannot take us along. */
function runOnHost(run: AgentRun): Promise<LabOutcome> {
  return new Promise((resolve, reject) => {
    if (run.signal?.aborted) return reject(stopped());
    // Have the agent die with us, however we die.
    const args = ['--pdeathsig', 'KILL', process.execPath, AGENT, '-'];
    // Ctrl-C is for us alone: we end the agent, so that it is not taken for dead.
    const child = spawn('setpriv', args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const tail: string[] = [];
    let timedOut = false;
    const kill = (): void => void child.kill('SIGKILL');
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, run.timeoutMs);
    run.signal?.addEventListener('abort', kill, { once: true });
    createInterface({ input: child.stdout }).on('line', run.onLine);
    createInterface({ input: child.stderr }).on('line', (line) => {
      tail.push(line);
      if (tail.length > STDERR_KEPT) tail.shift();
    });
    child.stdin.on('error', () => {}); // it died before it read; how it died is told below
    child.stdin.end(encodeSpec(run.spec));
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      run.signal?.removeEventListener('abort', kill);
      // An agent that was killed could not give back what it took of this host.
      tail.push(...sweepLeftovers());
      if (run.signal?.aborted) {
        reject(stopped());
      } else if (timedOut) {
        resolve({ kind: 'timeout', reason: `no end after ${run.timeoutMs / 1000} s`, consoleTail: tail });
      } else if (status === null) {
        resolve({ kind: 'agent-died', reason: `it was ended by ${signal}`, consoleTail: tail });
      } else if (status !== 0 && status !== 2) {
        resolve({ kind: 'agent-died', reason: `it ended with status ${status}`, consoleTail: tail });
      } else {
        resolve({ kind: 'done', status, kernelWarnings: [] });
      }
    });
  });
}

async function runLab(run: AgentRun, engine: 'bochs' | 'qemu-tcg'): Promise<LabOutcome> {
  const dir = makeScratch();
  try {
    const spec = join(dir, 'spec.json');
    await writeFile(spec, encodeSpec(run.spec));
    return await runInLab({
      kernel: run.kernel ?? '',
      engine,
      program: AGENT,
      files: [
        ...LAB_FILES.map(([source, target]) => ({ source: join(ROOT, source), target })),
        { source: spec, target: '/app/spec.json' },
      ],
      args: ['/app/spec.json'],
      params: run.params,
      timeoutMs: run.timeoutMs,
      onLine: run.onLine,
      ...(run.onConsole === undefined ? {} : { onConsole: run.onConsole }),
      ...(run.signal === undefined ? {} : { signal: run.signal }),
    });
  } finally {
    removeScratch(dir);
  }
}

/** Run the agent to its end and hand out what it prints, line by line. */
export async function runAgent(run: AgentRun): Promise<LabOutcome> {
  await sweepLab();
  return run.engine === 'host' ? runOnHost(run) : runLab(run, run.engine);
}
