import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SetupError } from './failure.mjs';
import { runStep } from './run.mjs';
import { STEPS } from './steps.mjs';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'run-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const failureOf = (what, name, command, args) =>
  runStep(what, name, command, args, { cwd: root }).catch((error) => error);

it('a failed build of the addon tells what the compiler said and where the whole log is', async () => {
  cpSync(join(PROJECT, 'package.json'), join(root, 'package.json'));
  symlinkSync(join(PROJECT, 'node_modules'), join(root, 'node_modules'));
  writeFileSync(
    join(root, 'CMakeLists.txt'),
    'cmake_minimum_required(VERSION 3.19)\nproject(x CXX)\nadd_library(x SHARED bad.cc)\n',
  );
  writeFileSync(join(root, 'bad.cc'), 'int f() { return nonsense; }\n');
  const { what, name, command, args } = STEPS.find((step) => step.name === 'native');

  const error = await failureOf(what, name, command, args);

  expect(error).toBeInstanceOf(SetupError);
  expect(error.message).toMatch(
    /^building the addon and the guests failed: \S+bad\.cc:1:18: error: 'nonsense' was not declared in this scope; the whole log is in \.setup\/log\/native\.log$/,
  );
  expect(error.tail[0]).toContain('int f() { return nonsense; }');
  expect(readFileSync(join(root, '.setup/log/native.log'), 'utf8')).toContain(
    "error: 'nonsense' was not declared",
  );
}, 600_000);

it('a failure that tells of no error is told by its status and the end of its log', async () => {
  const error = await failureOf('trying', 'try', 'sh', ['-c', 'echo one; echo two; exit 3']);

  expect(error.message).toBe('trying failed: sh ended with status 3; the whole log is in .setup/log/try.log');
  expect(error.tail).toEqual(['one', 'two']);
});

it('a command that is not there is named', async () => {
  const error = await failureOf('trying', 'try', 'no-such-command', []);

  expect(error.message).toContain('no-such-command cannot be started (ENOENT)');
});
