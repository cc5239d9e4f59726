/** @module-tag kvm */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';
import { patiently } from '../patience.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What each example prints. */
const EXAMPLES: [string, string][] = [
  ['hello', 'hello from a guest\nthe run ended by hlt\n'],
  [
    'msr-exits',
    'the counter is 42\nrdmsr 0xabcd0000: handled\nwrmsr 0xabcd0000: handled\nrdmsr 0xabcd0001: gp\n',
  ],
  ['dirty-log', 'dirty pages: 1, 5, 11\n'],
  [
    'scenario',
    `Linux 6.1, policy A
  vCPU 0: read gpa 0x400000 through PAT entry 0: UC
  vCPU 0: read gpa 0x800000 through PAT entry 0: WB
Linux 7.2, policy E
  vCPU 0: read gpa 0x400000 through PAT entry 0: WB
  vCPU 0: read gpa 0x800000 through PAT entry 0: WB
  detach non-coherent DMA: zaps 0x400000,0x800000
the trace shows WB
`,
  ],
  ['two-vcpus', 'vCPU 0 made it 1\nvCPU 1 made it 2\nvCPU 1 made it 3\nvCPU 0 made it 4\nvCPU 1 made it 5\n'],
];

test.each(EXAMPLES)('examples/%s.ts', (name, output) => {
  const source = readFileSync(`${ROOT}/examples/${name}.ts`, 'utf8');
  expect(source.split('\n').length).toBeLessThanOrEqual(60);
  const { code } = transformSync(source, { loader: 'ts', target: 'node20' });

  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-'], {
    cwd: ROOT,
    input: code,
    encoding: 'utf8',
    timeout: patiently(20_000),
  });

  expect(stderr).toBe('');
  expect(stdout).toBe(output);
  expect(status).toBe(0);
});
