#!/usr/bin/env node
// Build better-sqlite3 for this release of Node.js: what keeps the index of a campaign's runs. What was built once is taken from the cache.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headerEnvironment } from '../lib/node-modules.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGE = join(ROOT, 'node_modules', 'better-sqlite3');
const DOWNLOADER = join(ROOT, 'node_modules', 'prebuild-install', 'bin.js');
const BINARY = join(PACKAGE, 'build', 'Release', 'better_sqlite3.node');
/** Its own install script downloads what was compiled elsewhere: without a network that may wait for ever. */
const DOWNLOAD_MS = 60_000;

const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvm-memtype', 'better-sqlite3');
const cached = join(cache, `${version}-${process.versions.modules}-${process.arch}.node`);

/** Copy a file so that nobody sees half of it. */
function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  const half = `${to}.${process.pid}`;
  copyFileSync(from, half);
  renameSync(half, to);
}

/** Run a step of the package's own install script. */
const step = (command, args, options) =>
  spawnSync(command, args, { stdio: 'inherit', ...options }).status === 0 && existsSync(BINARY);

/** Ended at its time limit, alone: npm's own children would go on building while a second build clears the same folder. */
const download = () =>
  step(process.execPath, [DOWNLOADER], { cwd: PACKAGE, timeout: DOWNLOAD_MS, killSignal: 'SIGKILL' });

const compile = () =>
  step('npm', ['rebuild', 'better-sqlite3'], {
    cwd: ROOT,
    env: { ...headerEnvironment(), npm_config_build_from_source: 'true' },
  });

if (existsSync(cached)) copy(cached, BINARY);
else if (download() || compile()) copy(BINARY, cached);
else process.exitCode = 1;
