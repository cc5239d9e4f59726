import { beforeAll, describe, expect, test } from 'vitest';
import { type Stage, watchStages } from '../support/lab-watch.js';
import { checkKilled, checkOwn, checkWatched, typesIn } from '../support/watch-checks.js';

// test/builds/watch.test.ts has the stages that take longer than all of these.

describe('6.1', () => {
  let stages: Map<string, Stage>;
  beforeAll(async () => {
    stages = await watchStages('debian:6.1', ['watched', 'killed', 'own']);
  });

  test('the map of a guest of QEMU follows the MTRRs of firmware and Linux, whose writes zap', () => {
    const { report, stage } = checkWatched(stages.get('watched'));

    expect(typesIn(stage)).toEqual(['UC, IPAT 0', 'WB, IPAT 0', 'WB, IPAT 1', 'WP, IPAT 0']);
    // What Linux touched while it had CR0.CD=1 to write its MTRRs.
    expect(report.stale.map(({ erratum }) => erratum)).toEqual(['s2']);
    const [dearest] = report.zaps;
    expect(dearest?.cause).toMatch(/^MSR 0x2ff \(IA32_MTRR_DEF_TYPE\), by vCPU [01]$/);
    expect(dearest?.calls).toBeGreaterThan(1);
    expect(dearest?.us).toBeGreaterThan(0);
  });

  test('our own machine, watched from another process, has the leaves that its own observer sees', () => {
    checkOwn(stages.get('own'));
  });

  test('a watcher that is killed leaves no instance, no probe and no process', () => {
    checkKilled(stages.get('killed'));
  });
});

describe('7.2', () => {
  let stages: Map<string, Stage>;
  beforeAll(async () => {
    stages = await watchStages('debian:7.2', ['watched']);
  });

  test('only IPAT changes', () => {
    const { report, stage } = checkWatched(stages.get('watched'));

    expect(typesIn(stage)).toEqual(['WB, IPAT 0']);
    expect(report.stale).toEqual([]);
    expect(report.zaps.filter(({ calls }) => calls > 0).map(({ cause }) => cause)).not.toContainEqual(
      expect.stringContaining('MTRR'),
    );
  });
});
