import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { findPolicy } from '../../src/memtype/index.js';
import { reproducerOf } from '../../src/repro/index.js';
import type { Scenario } from '../../src/scenario/types.js';
import { NEEDS_KVM } from '../require.js';
import { runCli } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'repro-'));
afterAll(() => rmSync(folder, { recursive: true }));

const WARNINGS = ['-O2', '-Wall', '-Wextra', '-Werror'];

/** Run a program, and give its status and all that it said. */
function run(program: string, args: readonly string[]): Promise<{ status: number | null; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, said }));
  });
}

function fileOf(scenario: Scenario, policy: string): string {
  const path = join(folder, `${scenario.name.replace('/', '-')}-${policy}.c`);
  writeFileSync(path, reproducerOf(scenario, findPolicy(policy), { release: policy }));
  return path;
}

/** What the compiler says of each scenario's reproducer; two compilers at a time. */
async function compileAll(files: readonly string[], flags: readonly string[]): Promise<string[]> {
  const left = [...files];
  const complaints: string[] = [];
  const worker = async (): Promise<void> => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const { status, said } = await run('gcc', [...WARNINGS, ...flags, file]);
      if (status !== 0) complaints.push(said);
    }
  };
  await Promise.all([worker(), worker()]);
  return complaints;
}

/** A few scenarios that have each kind of step and each family between them. */
function sample(): Scenario[] {
  const seen = new Set<string>();
  const marks = ({ name, steps, msrMode, hugeRam }: Scenario): string[] => [
    name.split('/')[0] as string,
    msrMode,
    String(hugeRam),
    ...steps.map((step) => ('by' in step ? `${step.do} ${step.by}` : step.do)),
    ...steps.map((step) => ('via' in step ? `via ${step.via}` : step.do)),
  ];
  return [...catalogue]
    .sort((a, b) => a.steps.length - b.steps.length)
    .filter((one) => {
      const fresh = marks(one).filter((mark) => !seen.has(mark));
      for (const mark of fresh) seen.add(mark);
      return fresh.length > 0;
    });
}

test('the reproducer of every scenario compiles without a warning', { timeout: 900_000 }, async () => {
  const files = catalogue.map((one) => fileOf(one, '7.2'));

  expect(await compileAll(files, ['-fsyntax-only'])).toEqual([]);
});

test('no part of a reproducer is unused', { timeout: 900_000 }, async () => {
  const files = sample().map((one) => fileOf(one, '6.1'));

  expect(await compileAll(files, ['-c', '-o', '/dev/null'])).toEqual([]);
});

test.each(['msr/readback', 'filter/dropped-readback', 'msr/invalid-mtrr'])(
  '%s passes here',
  NEEDS_KVM,
  async (name) => {
    const [file, program] = [join(folder, 'written.c'), join(folder, 'written')];
    rmSync(file, { force: true });

    const { status, stderr } = await runCli(['repro', name, '--policy', '6.12.107', '--output', file]);
    const compiled = await run('gcc', [...WARNINGS, '-o', program, file]);
    const { status: verdict, said } = await run(program, []);

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(compiled).toEqual({ status: 0, said: '' });
    expect(said).toMatch(/PASS\n$/);
    expect(verdict).toBe(0);
  },
);

test('a scenario that is not there, and a policy that nobody can know yet, are refused in a sentence', async () => {
  const unknown = await runCli(['repro', 'no/such']);
  const auto = await runCli(['repro', 'ram/default', '--policy', 'auto']);

  expect(unknown).toMatchObject({ status: 2, stdout: '' });
  expect(unknown.stderr).toMatch(/there is no scenario no\/such/);
  expect(auto).toMatchObject({ status: 2, stdout: '' });
  expect(auto.stderr).toMatch(/--policy needs a name or a version/);
});
