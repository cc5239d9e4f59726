import type { GfnRange } from '../../arch/units.js';

const MIB_FRAMES = 256;

/** Where RAM that begins at 0 ends, past the VGA window and the ROMs below 1 MiB: RAM behind a device lies apart. */
export function lowRamEnd(ram: readonly GfnRange[]): number {
  const sorted = [...ram].sort((a, b) => a.start - b.start);
  return sorted.reduce(
    (at, { start, end }) =>
      start === 0 || (at > 0 && start <= Math.max(at, MIB_FRAMES)) ? Math.max(at, end) : at,
    0,
  );
}
