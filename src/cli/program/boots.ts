import type { BootCost } from '../../compare/side.js';
import type { Target } from '../../session/target.js';
import { runZaps } from '../../session/zaps/zap-session.js';
import { sentenceOf } from '../errors.js';
import { interrupted } from '../terminal/interrupt.js';
import { log } from '../terminal/log.js';
import { withProgress } from '../terminal/progress.js';

/** A VM that is small, and has another processor than that which boots first: each zaps as it programs its MTRRs. */
const CASE = { vcpus: 2, mib: 4 };

/**
 * Boot a VM as often as the scenarios run, and count what it zaps. A kernel on which that cannot be measured has no such costs: say why.
 */
export async function measureBoots(
  target: Target,
  name: string,
  { repeat, timeoutMs }: { repeat: number; timeoutMs: number },
): Promise<BootCost[] | undefined> {
  const cases = Array.from({ length: repeat }, () => CASE);
  try {
    const { results } = await withProgress(`booting VMs on ${name}`, (progress) =>
      runZaps({
        ...{ target, policy: 'auto', cases, timeoutMs, signal: interrupted },
        progress: (text) => progress.update(text),
      }),
    );
    return results.map(({ bootZaps, otherZaps, ns }) => ({ zaps: bootZaps + otherZaps, ns }));
  } catch (error) {
    if (interrupted.aborted || (error as { code?: unknown }).code !== 'ZAPS') throw error;
    log().warn({ kernel: name }, `zaps of a boot are not compared: ${sentenceOf(error)}`);
    return undefined;
  }
}
