import { expect, test } from 'vitest';
import { type Stage, watchStages } from '../support/lab-watch.js';

/** What a VM may take longer while it is watched, and what two runs differ by beside that: the lab's clock counts instructions. */
const [BOUND, BETWEEN_RUNS] = [0.03, 0.01];

/** Milliseconds from the VM's creation to its end, and of the monitor's processor (test/lab/agents/noncoherent.c). */
interface Life {
  ms: number;
  cpuMs: number;
}

function lifeOf({ err }: Stage): Life {
  const [line = '{}'] = /^\{"ms".*$/m.exec(err) ?? [];
  return JSON.parse(line) as Life;
}

const CASES = ['debian:6.1', 'debian:7.2'].flatMap((kernel) => [1, 2].map((vcpus) => ({ kernel, vcpus })));

test.each(CASES)(
  'what watching costs QEMU on $kernel with $vcpus vCPUs',
  { timeout: 1_200_000 },
  async ({ kernel, vcpus }) => {
    const [without, by] = [`alone ${vcpus}`, `cost ${vcpus}`];
    const stages = await watchStages(kernel, [without, by]);

    const [alone, watched] = [without, by].map((name) => lifeOf(stages.get(name) as Stage)) as [Life, Life];
    const costs = { life: watched.ms / alone.ms - 1, cpu: watched.cpuMs / alone.cpuMs - 1 };
    console.log(kernel, vcpus, { alone, watched, costs });
    expect(stages.get(by)?.out).not.toContain('events were lost');
    expect(costs.life).toBeLessThan(BOUND + BETWEEN_RUNS);
  },
);
