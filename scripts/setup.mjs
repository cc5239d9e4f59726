#!/usr/bin/env node
// Bring a fresh clone to where it runs: npm packages, Debian packages, addon, guests, TypeScript, lab agent.
// Plain JavaScript without dependencies: it runs before there are any.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages } from './lib/debian.mjs';
import { report, SetupError } from './lib/failure.mjs';
import { withLock } from './lib/lock.mjs';
import { headerEnvironment, isInstalled } from './lib/node-modules.mjs';
import { BUILD, LAB, LINT } from './lib/packages.mjs';
import { runStep } from './lib/run.mjs';
import { hashInputs, isFresh, writeStamp } from './lib/stamp.mjs';
import { STEPS } from './lib/steps.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 17];

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const old = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  if (old)
    throw new SetupError(
      `Node.js ${OLDEST_NODE.join('.')} or later is needed, this is ${process.versions.node}`,
    );
}

function checkCompiler() {
  const compilers = [process.env.CXX, 'c++', 'g++', 'clang++'].filter(Boolean);
  const found = compilers.some((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
  if (!found)
    throw new SetupError(
      'no C++ compiler is there (c++, g++, clang++): install one, on Debian the package g++',
    );
}

/** Whether this host's own KVM runs guests on EPT and we may use it: then nothing has to be emulated. */
export function hostHasEpt() {
  const parameter = '/sys/module/kvm_intel/parameters/ept';
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return readFileSync(parameter, 'utf8').trim() === 'Y';
  } catch {
    return false;
  }
}

function pendingSteps(checks) {
  return STEPS.filter((step) => existsSync(join(ROOT, step.needs)) && (checks || step.checks !== true))
    .map((step) => ({
      ...step,
      hash: hashInputs(ROOT, step.inputs, { keep: step.keep, extra: [process.version, step.args.join(' ')] }),
    }))
    .filter((step) => !isFresh(ROOT, step.name, step.hash, step.outputs));
}

async function build(checks) {
  for (const step of pendingSteps(checks)) {
    step.before?.(ROOT);
    await runStep(step.what, step.name, step.command, step.args, { cwd: ROOT, env: headerEnvironment() });
    const missing = step.outputs.find((output) => !existsSync(join(ROOT, output)));
    if (missing)
      throw new SetupError(`${step.what} ended well, but made no ${missing}`, { code: 'SETUP_OUTPUT' });
    writeStamp(ROOT, step.name, step.hash);
  }
}

async function installNpm() {
  if (isInstalled(ROOT)) return;
  await runStep(
    'installing npm packages',
    'npm-ci',
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund'],
    {
      cwd: ROOT,
    },
  );
}

/**
 * Do what is left to do, and nothing twice.
 * @param {{ lab?: boolean, lint?: boolean }} wants whether kernels will be built and booted, and all checked that CI does
 * @throws SetupError
 */
export async function setup({ lab = true, lint = false } = {}) {
  checkNode();
  const packages = [...BUILD, ...(lab ? LAB : []), ...(lint ? LINT : [])];
  const work = async () => {
    if (pendingSteps(lint).some((step) => step.name === 'native')) checkCompiler();
    await ensurePackages(packages, ROOT);
    await installNpm();
    await build(lint);
  };
  const onWait = (pid) =>
    process.stderr.write(`kvm-memtype setup: waiting for another setup (process ${pid})\n`);
  await withLock(join(ROOT, '.setup', 'lock'), work, onWait);
}

/** Run `main`, turn what it throws into one sentence, and end with its status. */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    report(error);
    process.exitCode = error.status ?? 2;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const flags = new Set(process.argv.slice(2));
  await runMain(async () => {
    await setup({ lab: !flags.has('--no-lab'), lint: flags.has('--lint') });
    return 0;
  });
}
