import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const SOURCES = new URL('../../', import.meta.url);
/** Those that write to stderr themselves: the two below say(), and the agent, whose stderr is read by its parent. */
const ALLOWED = ['agent/bench.ts', 'cli/terminal/progress.ts', 'cli/terminal/say.ts'];

it('nobody else writes to stderr past what makes text safe', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) => {
      const lines = readFileSync(new URL(file, SOURCES), 'utf8').split('\n');
      return lines.some((line) => line.includes('stderr.write(') && !/safe(Line|Text)\(/.test(line));
    });

  expect(files.filter((file) => !ALLOWED.includes(file))).toEqual([]);
});
