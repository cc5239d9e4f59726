import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { cacheRoot, openCache } from '../../lab/index.js';
import { writeOutput } from '../../process/output-file.js';
import type { Times } from '../../session/times/forecast.js';

const MOST_BYTES = 1 << 20;
/** Of one engine. */
const MOST_SCENARIOS = 2_000;
const MOST_NAME = 200;

const ms = z.number().nonnegative().max(86_400_000);
const times = z.strictObject({ startMs: ms, scenarios: z.record(z.string().max(MOST_NAME), ms) });
const file = z.strictObject({
  version: z.literal(1),
  engines: z.partialRecord(z.enum(['host', 'bochs', 'qemu-kvm', 'qemu-tcg']), times),
});
type Kept = z.infer<typeof file>;
type Engine = keyof Kept['engines'];

const path = (): string => join(cacheRoot(), 'times.json');

/** What is missing, damaged or of another version is nothing: it only decides what a line of progress says. */
function read(): Kept {
  try {
    if (statSync(path()).size <= MOST_BYTES) return file.parse(JSON.parse(readFileSync(path(), 'utf8')));
  } catch {}
  return { version: 1, engines: {} };
}

/** How long things took when they were last run by this engine. */
export const lastTimes = (engine: Engine): Times | undefined => read().engines[engine];

/** Keep how long things took, beside those of other scenarios; without a cache nothing is kept. */
export function keepTimes(engine: Engine, { startMs, scenarios }: Times): void {
  try {
    openCache();
    const kept = read();
    const known = Object.entries(kept.engines[engine]?.scenarios ?? {}).filter(
      ([name]) => !(name in scenarios),
    );
    const all = [...known, ...Object.entries(scenarios).filter(([name]) => name.length <= MOST_NAME)];
    const next = { startMs, scenarios: Object.fromEntries(all.slice(-MOST_SCENARIOS)) };
    writeOutput(path(), `${JSON.stringify({ ...kept, engines: { ...kept.engines, [engine]: next } })}\n`);
  } catch {}
}
