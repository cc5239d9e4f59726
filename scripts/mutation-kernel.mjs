#!/usr/bin/env node
// `npm run mutation:kernel [-- --only GLOB] [--kernel 6.1,7.2] [--fuzz] [--fresh]`: run the catalogue, or random scenarios, on kernels that
// are broken on purpose, and tell which of them nobody noticed. See docs/kernel-mutants.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import picomatch from 'picomatch';
import { SetupError } from './lib/failure.mjs';
import { Campaign } from './mutants/campaign.mjs';
import { allowedProcessors, fuzzKernel, runCatalogue } from './mutants/cli.mjs';
import { fuzzTrial } from './mutants/fuzz-trial.mjs';
import { byFile, readMutants } from './mutants/mutant.mjs';
import { killersOn, outcomeLine, rowsOf, summary, withTable } from './mutants/page.mjs';
import { catalogueFingerprint, fuzzFingerprint, Results } from './mutants/results.mjs';
import { catalogueTrial } from './mutants/trial.mjs';
import { ROOT, runMain, setup } from './setup.mjs';

const PAGE = join(ROOT, 'docs', 'kernel-mutants.md');
const USAGE =
  'usage: npm run mutation:kernel [-- [--only GLOB]... [--kernel KERNEL,...] [--jobs N] [--time SECONDS] [--fuzz] [--fresh]]';

function parse() {
  const options = {
    only: { type: 'string', multiple: true, default: [] },
    kernel: { type: 'string' },
    jobs: { type: 'string' },
    time: { type: 'string', default: 'Infinity' },
    fuzz: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
  };
  try {
    const { values } = parseArgs({ options });
    const jobs = values.jobs === undefined ? undefined : Number(values.jobs);
    const seconds = Number(values.time);
    if ((jobs === undefined || (Number.isInteger(jobs) && jobs > 0)) && seconds > 0)
      return { ...values, jobs, seconds };
  } catch {
    // Told below.
  }
  throw new SetupError(USAGE, { code: 'MUTANTS_USAGE' });
}

/** Random scenarios may miss a fault; the catalogue may not. */
const GOOD = ['killed', 'died', 'found', 'not-found'];

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
  const folder = join(ROOT, 'reports', 'mutation-kernel');
  const byCatalogue = new Results(folder, await catalogueFingerprint(), request.fresh);
  const byFuzz = new Results(join(folder, 'fuzz'), await fuzzFingerprint(), request.fresh);
  const before = readFileSync(PAGE, 'utf8');
  const processors = allowedProcessors();
  const campaign = new Campaign(request.fuzz ? byFuzz : byCatalogue, {
    processors: processors.slice(0, request.jobs ?? processors.length),
    signal: interruption(),
    until: started + request.seconds * 1000,
    trial: request.fuzz
      ? fuzzTrial(fuzzKernel)
      : catalogueTrial(runCatalogue, byCatalogue, (mutant) => killersOn(before, mutant)),
    onOutcome: (mutant, outcome) => process.stdout.write(`${outcomeLine(mutant, outcome)}\n`),
    onRemark: (text) => process.stderr.write(`kvm-memtype mutants: ${text}\n`),
  });
  const keepPage = () => {
    const page = readFileSync(PAGE, 'utf8');
    writeFileSync(PAGE, withTable(page, rowsOf(page, mutants, [byCatalogue, byFuzz])));
  };
  const outcomes = await campaign.run(byFile(chosen)).finally(keepPage);
  process.stdout.write(`${summary(outcomes, (Date.now() - started) / 1000)}\n`);
  return outcomes.every(({ state }) => GOOD.includes(state)) ? 0 : 1;
});
