import { expect, test } from 'vitest';
import { type Stage, watchStages } from '../support/lab-watch.js';

/** What a VM may take longer while it is watched, and what two runs differ by beside that: the lab's clock counts instructions. */
const [BOUND, BETWEEN_RUNS] = [0.03, 0.01];

/** Milliseconds from the VM's creation to its end, and of the monitor's processor (test/lab/agents/noncoherent.c). */
function lifeOf({ err }: Stage): { ms: number; cpuMs: number } {
  const [line = '{}'] = /^\{"ms".*$/m.exec(err) ?? [];
  return JSON.parse(line) as { ms: number; cpuMs: number };
}

test.each(['debian:6.1', 'debian:7.2'])(
  'what watching costs QEMU on %s',
  { timeout: 1_200_000 },
  async (kernel) => {
    const stages = await watchStages(kernel, ['alone', 'cost']);

    const [alone, watched] = [lifeOf(stages.get('alone') as Stage), lifeOf(stages.get('cost') as Stage)];
    const costs = { life: watched.ms / alone.ms - 1, cpu: watched.cpuMs / alone.cpuMs - 1 };
    console.log(kernel, { alone, watched, costs });
    expect(stages.get('cost')?.out).not.toContain('events were lost');
    expect(costs.life).toBeLessThan(BOUND + BETWEEN_RUNS);
  },
);
