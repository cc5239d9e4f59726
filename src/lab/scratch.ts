import { readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, ownProcessId } from '../process-id.js';

const PREFIX = 'kvm-memtype-lab-';

/** A directory of our own for one lab run; its name says whose it is. */
export function makeScratch(): Promise<string> {
  return mkdtemp(join(tmpdir(), `${PREFIX}${ownProcessId()}-`));
}

export function removeScratch(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

/** Remove what lab runs left that were killed before they could. */
export function sweepScratch(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+-\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !isRunning(owner)) removeScratch(join(tmpdir(), name));
  }
}
