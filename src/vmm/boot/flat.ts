import type { BootEntry } from './entry.js';
import type { GuestRam } from './ram.js';

/** Where a PC's firmware puts a boot sector. */
const FLAT_GPA = 0x7c00;

/** Load a flat binary as a PC loads a boot sector: at 0x7c00, in real mode, with a stack below it. */
export function loadFlat(ram: GuestRam, image: Uint8Array): BootEntry {
  ram.put(FLAT_GPA, image, image.length, 'the flat binary');
  return { mode: 'real', rip: FLAT_GPA, regs: { rsp: FLAT_GPA } };
}
