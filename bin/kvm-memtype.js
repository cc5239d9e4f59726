#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/program/main.js', import.meta.url);

if (existsSync(fileURLToPath(main))) {
  const { runCli } = await import(main.href);
  await runCli(process.argv.slice(2));
} else {
  process.stderr.write('kvm-memtype: not built yet: run `npm start` in the folder of the package first.\n');
  process.exitCode = 2;
}
