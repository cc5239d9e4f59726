#!/usr/bin/env node
// Show that a campaign that is killed again and again comes to the same as one that nobody kills: run it whole, then once more with SIGKILL at
// random moments and `campaign resume` after each, and hold the two reports and what was done against each other. Takes as long as two campaigns:
// npm run campaign:endure -- --help
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../bin/kvm-memtype.js', import.meta.url));

const OPTIONS = {
  kernels: { type: 'string', default: 'debian:6.1,debian:6.12,debian:7.2,debian:7.3' },
  parameters: { type: 'string', default: '{ default: [], legacy: [kvm.tdp_mmu=N] }' },
  scenarios: { type: 'string', default: 'all' },
  // Of each kernel with each set of parameters: 2,000 random scenarios in all.
  seeds: { type: 'string', default: '5' },
  count: { type: 'string', default: '50' },
  jobs: { type: 'string', default: '2' },
  kills: { type: 'string', default: '5' },
  folder: { type: 'string' },
  help: { type: 'boolean', default: false },
};

const say = (text) => process.stdout.write(`${text}\n`);

const yamlOf = ({ kernels, parameters, scenarios, seeds, count, jobs }) => `campaign: endure
kernels: [${kernels}]
parameters: ${parameters}
scenarios: ${scenarios}
fuzz: { seeds: { from: 1, count: ${seeds} }, count: ${count} }
limits: { jobs: ${jobs}, backoff: 0 }
`;

const journalOf = (file) => file.replace(/\.yaml$/, '.campaign/runs/0001.jsonl');

/** A command of the program, and what it printed once it has ended. */
function start(...args) {
  const child = spawn(process.execPath, [PROGRAM, '--quiet', 'campaign', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  const ended = once(child, 'close').then(([status]) => ({ status, text }));
  return { child, ended };
}

const seconds = (since) => (performance.now() - since) / 1000;

/** Run a campaign that nobody kills. */
async function whole(file) {
  const begin = performance.now();
  const { status } = await start('run', file).ended;
  const took = seconds(begin);
  say(`whole: status ${status} after ${took.toFixed(0)} s`);
  return took;
}

/** Run the same, and kill it at random moments of the time that the whole one took. */
async function killed(file, took, kills) {
  const moments = Array.from({ length: kills }, () => Math.random() * took).sort((a, b) => a - b);
  let before = 0;
  // Killed before it began, it has nothing to go on with.
  const goOn = () => start(existsSync(journalOf(file)) ? 'resume' : 'run', file);
  for (const moment of moments) {
    const { child, ended } = goOn();
    await Promise.race([sleep((moment - before) * 1000), ended]);
    before = moment;
    child.kill('SIGKILL');
    await ended;
    say(`killed after ${moment.toFixed(1)} s; ${doneIn(file).length} jobs were done`);
  }
  const { status } = await goOn().ended;
  say(`resumed to its end: status ${status}`);
}

/** The jobs whose results a journal has, once for each time. */
const doneIn = (file) =>
  (existsSync(journalOf(file)) ? readFileSync(journalOf(file), 'utf8') : '')
    .split('\n')
    .filter((line) => line.startsWith('{"type":"done"'))
    .map((line) => JSON.parse(line).job);

const reportOf = async (file) => (await start('report', file, '--no-times').ended).text;

/** What does not hold of the two; a sentence each. */
async function differences(one, other) {
  const [expected, found] = [await reportOf(one), await reportOf(other)];
  const [all, done] = [doneIn(one), doneIn(other)];
  return [
    ...(expected === found ? [] : [`the reports differ:\n--- whole\n${expected}\n--- killed\n${found}`]),
    ...(new Set(done).size === done.length ? [] : ['a job was counted twice']),
    ...(all.every((job) => done.includes(job)) && done.length === all.length ? [] : ['jobs are missing']),
  ];
}

const { values } = parseArgs({ options: OPTIONS });
if (values.help) {
  for (const [name, option] of Object.entries(OPTIONS)) say(`--${name} (${option.default ?? 'a new one'})`);
} else {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'kvm-memtype-endure-'));
  mkdirSync(folder, { recursive: true });
  const files = ['whole', 'killed'].map((name) => join(folder, `${name}.yaml`));
  for (const file of files) writeFileSync(file, yamlOf(values));
  const took = await whole(files[0]);
  await killed(files[1], took, Number(values.kills));
  const wrong = await differences(...files);
  for (const sentence of wrong) say(sentence);
  say(`${doneIn(files[1]).length} jobs; ${wrong.length === 0 ? 'the same' : 'NOT the same'}: ${folder}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
