#!/usr/bin/env node
// `npm run mutation:kernel [-- --only GLOB] [--kernel 6.1,7.2] [--fresh]`: run the catalogue on kernels that are broken on purpose, and
// tell which of them nobody noticed. See docs/kernel-mutants.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import picomatch from 'picomatch';
import { SetupError } from './lib/failure.mjs';
import { Campaign } from './mutants/campaign.mjs';
import { allowedProcessors } from './mutants/cli.mjs';
import { readMutants } from './mutants/mutant.mjs';
import { killersOn, outcomeLine, rowsOf, summary, withTable } from './mutants/page.mjs';
import { Results } from './mutants/results.mjs';
import { ROOT, runMain, setup } from './setup.mjs';

const PAGE = join(ROOT, 'docs', 'kernel-mutants.md');
const USAGE =
  'usage: npm run mutation:kernel [-- [--only GLOB]... [--kernel KERNEL,...] [--jobs N] [--fresh]]';

function parse() {
  const options = {
    only: { type: 'string', multiple: true, default: [] },
    kernel: { type: 'string' },
    jobs: { type: 'string' },
    fresh: { type: 'boolean', default: false },
  };
  try {
    const { values } = parseArgs({ options });
    const jobs = values.jobs === undefined ? undefined : Number(values.jobs);
    if (jobs === undefined || (Number.isInteger(jobs) && jobs > 0)) return { ...values, jobs };
  } catch {
    // Told below.
  }
  throw new SetupError(USAGE, { code: 'MUTANTS_USAGE' });
}

/** @throws SetupError if nothing is chosen */
function choose(mutants, { only, kernel }) {
  const kernels = kernel?.split(',');
  const isWanted = picomatch(only.length > 0 ? only : '**');
  const chosen = mutants.filter(
    ({ id, name, kernel: series }) =>
      (isWanted(id) || isWanted(name)) && (kernels === undefined || kernels.includes(series)),
  );
  if (chosen.length > 0) return chosen;
  throw new SetupError('no mutant has such a name', { code: 'MUTANTS_NONE' });
}

/** Abort at the first signal that asks for the end. */
function interruption() {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => controller.abort(new SetupError('stopped; what is done is kept')));
  return controller.signal;
}

await runMain(async () => {
  const request = parse();
  const mutants = readMutants(join(ROOT, 'test', 'mutants'));
  const chosen = choose(mutants, request);
  await setup();
  const started = Date.now();
  const results = await Results.open(join(ROOT, 'reports', 'mutation-kernel'), request.fresh);
  const before = readFileSync(PAGE, 'utf8');
  const processors = allowedProcessors();
  const campaign = new Campaign(results, {
    processors: processors.slice(0, request.jobs ?? processors.length),
    signal: interruption(),
    killersOf: (mutant) => killersOn(before, mutant),
    onOutcome: (mutant, outcome) => process.stdout.write(`${outcomeLine(mutant, outcome)}\n`),
    onRemark: (text) => process.stderr.write(`kvm-memtype mutants: ${text}\n`),
  });
  const outcomes = await campaign.run(chosen);
  process.stdout.write(`${summary(outcomes, (Date.now() - started) / 1000)}\n`);
  const page = readFileSync(PAGE, 'utf8');
  writeFileSync(PAGE, withTable(page, rowsOf(page, mutants, results)));
  return outcomes.every(({ state }) => state === 'killed' || state === 'died') ? 0 : 1;
});
