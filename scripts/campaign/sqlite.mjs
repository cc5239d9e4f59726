#!/usr/bin/env node
// Build better-sqlite3 for this release of Node.js: what keeps the index of a campaign's runs. What was built once is taken from the cache.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headerEnvironment } from '../lib/node-modules.mjs';

const PACKAGE = fileURLToPath(new URL('../../node_modules/better-sqlite3', import.meta.url));
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

const rebuild = (env, timeout) =>
  spawnSync('npm', ['rebuild', 'better-sqlite3'], {
    cwd: dirname(dirname(PACKAGE)),
    env: { ...headerEnvironment(), ...env },
    stdio: 'inherit',
    timeout,
    killSignal: 'SIGKILL',
  }).status === 0 && existsSync(BINARY);

if (existsSync(cached)) copy(cached, BINARY);
else if (rebuild({}, DOWNLOAD_MS) || rebuild({ npm_config_build_from_source: 'true' })) copy(BINARY, cached);
else process.exitCode = 1;
