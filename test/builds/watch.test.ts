import { beforeAll, describe, expect, test } from 'vitest';
import { type Stage, watchStages } from '../support/lab-watch.js';
import { checkAttached, checkKilled, checkOwn, NOTHING_LEFT } from '../support/watch-checks.js';

// These take ten minutes: no part of `npm test` (docs/ci.md).
describe('6.1', () => {
  let stages: Map<string, Stage>;
  beforeAll(async () => {
    stages = await watchStages('debian:6.1', ['attached', 'lost']);
  });

  test('a VM that runs already is watched by the number and by the name of its monitor', () => {
    checkAttached(stages.get('attached'), { noncoherent: 0, inferred: true });
  });

  test('events that the kernel had to drop are told, and nothing is taken for wrong because of them', () => {
    const stage = stages.get('lost');

    expect(stage?.out).toMatch(
      /\n\d+ events were lost, as the kernel’s buffer was full: a larger --buffer or a shorter --interval helps\n?$/,
    );
    expect(stage?.out).toContain(
      'events were lost: leaves, MTRRs, CR0 and quirks from before cannot be seen',
    );
    expect(stage?.out).toMatch(/model: \d+ leaves made as expected, 0 otherwise/);
    expect(stage).toMatchObject({ status: 0, left: NOTHING_LEFT });
  });
});

describe('7.2', () => {
  let stages: Map<string, Stage>;
  beforeAll(async () => {
    stages = await watchStages('debian:7.2', ['killed', 'own', 'attached with device']);
  });

  test('our own machine, watched from another process, has the leaves that its own observer sees', () => {
    checkOwn(stages.get('own'));
  });

  test('of a VM that runs already, its first leaf tells of its device', () => {
    checkAttached(stages.get('attached with device'), { noncoherent: 1, inferred: true });
  });

  test('a watcher that is killed leaves no instance, no probe and no process', () => {
    checkKilled(stages.get('killed'));
  });
});
