#!/usr/bin/env node
// `npm install` of the package: take the addon that is there, else build it, and tell in few lines why that failed.
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { report } from './lib/failure.mjs';
import { headerEnvironment } from './lib/node-modules.mjs';
import { runStep } from './lib/run.mjs';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
/** npm removes a package that it could not install: keep the log elsewhere. */
const LOGS = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvm-memtype', 'log');
/** What node-gyp builds with, and Debian's packages of it. */
const TOOLS = { make: 'make', cc: 'gcc', 'c++': 'g++', python3: 'python3' };

const isThere = (tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined;

/** What to install, where the build failed for want of a tool. */
function hint() {
  const missing = Object.keys(TOOLS).filter((tool) => !isThere(tool));
  if (missing.length === 0) return [];
  const packages = missing.map((tool) => TOOLS[tool]).join(' ');
  return [`The build needs ${missing.join(', ')}: on Debian, apt-get install ${packages}`];
}

try {
  await runStep('building the addon and the guests', 'install', 'node-gyp-build', [], {
    cwd: PACKAGE,
    // Whatever npm is told to show, the log is whole.
    env: { ...headerEnvironment(), npm_config_loglevel: 'info' },
    logs: LOGS,
  });
} catch (error) {
  error.tail = [...(error.tail ?? []), ...hint()];
  report(error);
  process.exitCode = error.status ?? 2;
}
