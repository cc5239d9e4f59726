import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import type { GuestFile } from '../../src/lab/image/initramfs.js';
import { runInLab } from '../../src/lab/index.js';
import type { RunResult, ScenarioResult } from '../../src/report/types.js';
import type { Scenario } from '../../src/scenario/types.js';
import { runCli } from './cli.js';

const AGENT = fileURLToPath(new URL('../lab/agents/repro.mjs', import.meta.url));

/** How a reproducer ended in the lab. */
interface Ended {
  name: string;
  status: number;
  said: string;
}

/** What is said of a scenario: how it ended, and in which step something was wrong first. */
export interface Said {
  status: 'pass' | 'fail' | 'skip';
  step?: number;
}

const scenarioNamed = (name: string): Scenario => {
  const found = catalogue.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`the catalogue has no ${name}`);
  return found;
};

const fileName = (name: string): string => name.replace('/', '-');

/** The lab's processor has no PML. */
const PARAM = 'kvm_intel.pml=N';

/** Write and compile the reproducer of a scenario, without a library that the lab would need. */
async function compile(name: string, policy: string, folder: string): Promise<GuestFile> {
  const program = join(folder, fileName(name));
  const written = `${program}.c`;
  rmSync(written, { force: true });
  const { status, stderr } = await runCli([
    'repro',
    ...[name, '--policy', policy, '--param', PARAM, '--output', written],
  ]);
  expect(status, stderr).toBe(0);
  const compiled = spawnSync('gcc', ['-O1', '-static', '-s', '-o', program, written], { encoding: 'utf8' });
  expect(compiled.stderr, name).toBe('');
  return { source: program, target: `/repro/${fileName(name)}` };
}

const STATUS = new Map<number, Said['status']>([
  [0, 'pass'],
  [1, 'fail'],
  [4, 'skip'],
]);

function saidOf({ name, status, said }: Ended): Said {
  const known = STATUS.get(status);
  if (known === undefined) throw new Error(`${name} ended with ${status}:\n${said}`);
  const [, step] = /^ {2}FAIL at step (\d+):/m.exec(said) ?? [];
  return { status: known, ...(step === undefined ? {} : { step: Number(step) }) };
}

/** Where a reproducer runs. */
export interface ReproRun {
  /** A kernel's image. */
  kernel: string;
  /** The version that tells the policy. */
  policy: string;
  /** A folder for programs and results. */
  folder: string;
}

/** What the reproducers of these scenarios say on a kernel, by their names; all run in one machine of the lab. */
export async function reproducersSay(
  names: readonly string[],
  { kernel, policy, folder }: ReproRun,
): Promise<Map<string, Said>> {
  const ended = new Map<string, Ended>();
  const console: string[] = [];
  const outcome = await runInLab({
    kernel,
    engine: 'bochs',
    program: AGENT,
    files: await Promise.all(names.map((name) => compile(name, policy, folder))),
    args: [],
    gibPage: names.some((name) => scenarioNamed(name).needs.includes('gib-pages')),
    timeoutMs: 900_000,
    onLine: (line) => {
      const one = JSON.parse(line) as Ended;
      ended.set(one.name, one);
    },
    onConsole: (line) => console.push(line),
  });
  expect(outcome.kind, console.slice(-30).join('\n')).toBe('done');
  return new Map(
    names.map((name) => {
      const one = ended.get(fileName(name));
      if (one === undefined) throw new Error(`${name} did not run`);
      return [name, saidOf(one)];
    }),
  );
}

/** What `run` says of a scenario: how it ended, and all steps in which something was wrong. */
export interface OurWord {
  status: Said['status'];
  steps: ReadonlySet<number>;
}

function ourWord({ status, failures }: ScenarioResult): OurWord {
  if (status !== 'pass' && status !== 'fail' && status !== 'skip')
    throw new Error(`a scenario ended with ${status}`);
  return { status, steps: new Set(failures.map(({ step }) => step)) };
}

/** What `run` says of these scenarios on the same kernel, held against the same policy. */
export async function weSay(
  names: readonly string[],
  { kernel, policy }: ReproRun,
): Promise<Map<string, OurWord>> {
  const args = ['--kernel', kernel, '--policy', policy, '--no-snapshot', '--timeout', '900'];
  const { status, stdout, stderr } = await runCli(['run', ...names, ...args, '--format', 'json']);
  expect(status, stderr).toBeLessThan(2);
  const { sets } = JSON.parse(stdout) as RunResult;
  return new Map((sets[0]?.scenarios ?? []).map((one) => [`${one.family}/${one.name}`, ourWord(one)]));
}
