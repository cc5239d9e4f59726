// Apply each mutant that outlived `npm run mutation:model` to a copy of the model, and run the tests on it once more: the runner of
// the mutation test does not count a test file that cannot even be loaded. Prints the mutants that live on.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const REPORT = 'reports/mutation/model.json';
// Inside the project, so that its packages are found.
const COPY = 'build/mutants';
const COPIED = ['src', 'docs', 'test/support', 'vitest.model.config.ts', 'package.json', 'tsconfig.json'];

/** The source with one mutant in place; lines and columns count from 1. */
function mutate(source, { location: { start, end }, replacement }) {
  const lines = source.split('\n');
  const offset = ({ line, column }) =>
    lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0) + column - 1;
  return source.slice(0, offset(start)) + replacement + source.slice(offset(end));
}

if (!existsSync(REPORT)) {
  process.stderr.write(`there is no ${REPORT}: run npm run mutation:model first\n`);
  process.exit(2);
}
const { files } = JSON.parse(readFileSync(REPORT, 'utf8'));
const survivors = Object.entries(files).flatMap(([file, { source, mutants }]) =>
  mutants.filter(({ status }) => status === 'Survived').map((mutant) => ({ file, source, mutant })),
);
rmSync(COPY, { recursive: true, force: true });
try {
  for (const path of COPIED) cpSync(path, join(COPY, path), { recursive: true });
  const test = () => spawnSync('npx', ['vitest', 'run', '--config', 'vitest.model.config.ts'], { cwd: COPY });
  if (test().status !== 0) throw new Error('the tests fail without a mutant');
  let alive = 0;
  for (const { file, source, mutant } of survivors) {
    writeFileSync(join(COPY, file), mutate(source, mutant));
    const lives = test().status === 0;
    writeFileSync(join(COPY, file), source);
    if (lives) alive++;
    const what = `${file}:${mutant.location.start.line} ${mutant.mutatorName} => ${mutant.replacement.replace(/\s+/g, ' ')}`;
    process.stdout.write(`${lives ? 'lives' : 'dies '}  ${what}\n`);
  }
  process.stdout.write(`${alive} of ${survivors.length} live on\n`);
} finally {
  rmSync(COPY, { recursive: true, force: true });
}
