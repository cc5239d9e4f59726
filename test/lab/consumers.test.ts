import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { renderKtap } from '../../src/report/formats/ktap.js';
import { renderTap } from '../../src/report/formats/tap.js';
import { requireOrSkip } from '../require.js';
import { fullRun, runOf, scenarios, setOf } from '../support/results.js';

// Results as their consumers read them: the kernel's own kunit.py, and Perl's prove.

const SOURCES = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvm-memtype', 'sources');
const folder = mkdtempSync(join(tmpdir(), 'consumers-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** kunit.py of a series, where its sources have been unpacked. */
function kunitOf(series: string): string | undefined {
  const [name] = existsSync(SOURCES)
    ? readdirSync(SOURCES).filter((name) => name.startsWith(`linux-source-${series}_`))
    : [];
  const path = name && join(SOURCES, name, 'tree', 'tools', 'testing', 'kunit', 'kunit.py');
  return path !== undefined && existsSync(path) ? path : undefined;
}

function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const all = runOf(setOf(...Object.values(scenarios)));
const good = runOf(setOf(scenarios.pass, scenarios.skip));

describe.each(['6.1', '7.2'])('kunit.py parse of %s', (series) => {
  test('counts each scenario as what it is, by its whole name', (context) => {
    const kunit = kunitOf(series);
    requireOrSkip(context, kunit, `the sources of ${series}: kvm-memtype kernel build debian:${series}`);
    const { stdout, status } = spawnSync('python3', [kunit, 'parse', fileOf('all.ktap', renderKtap(all))], {
      encoding: 'utf8',
      cwd: folder,
    });

    expect(status).not.toBe(0);
    expect(stdout).toMatch(/passed: 1.*failed: 3.*skipped: 1/i);
    for (const name of [
      '[PASSED] mtrr/overlap-uc-over-wb',
      '[FAILED] mtrr/default-type',
      '[SKIPPED] vfio/attach',
    ])
      expect(stdout).toContain(name);
    expect(stdout).toMatch(/=+ mtrr \(2 subtests\) =+/);
  });

  test('takes a good run for one', (context) => {
    const kunit = kunitOf(series);
    requireOrSkip(context, kunit, `the sources of ${series}: kvm-memtype kernel build debian:${series}`);

    execFileSync('python3', [kunit, 'parse', fileOf('good.ktap', renderKtap(good))], { cwd: folder });
  });
});

describe('prove', () => {
  const prove = (text: string) =>
    spawnSync('prove', ['--verbose', '--exec', 'cat', fileOf('run.tap', text)], { encoding: 'utf8' });

  test('counts each scenario as a test', (context) => {
    requireOrSkip(context, existsSync('/usr/bin/prove'), 'prove: apt-get install perl');
    const { stdout, status } = prove(renderTap(all));

    expect(status).not.toBe(0);
    expect(stdout).toMatch(/Failed 3\/5 subtests/);
  });

  test('takes a good run for one', (context) => {
    requireOrSkip(context, existsSync('/usr/bin/prove'), 'prove: apt-get install perl');
    const { stdout, status } = prove(renderTap(good));

    expect(status).toBe(0);
    expect(stdout).toMatch(/Tests=2,.*\nResult: PASS/);
  });

  test('fails for a kernel that died, among several', (context) => {
    requireOrSkip(context, existsSync('/usr/bin/prove'), 'prove: apt-get install perl');

    expect(prove(renderTap(fullRun())).status).not.toBe(0);
  });
});
