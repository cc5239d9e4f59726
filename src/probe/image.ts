import { readFileSync } from 'node:fs';
import { PAGE_SIZE } from '../arch/units.js';
import { ElfError, type ElfImage, parseElf } from '../formats/elf.js';
import { buildCommand } from '../kvm/build-hint.js';
import { builtFile } from '../kvm/built-files.js';
import { ProbeBootError } from './errors.js';
import { LAYOUT as L } from './layout.js';
import { PML4_GPA, probeTables, TABLE_PAGES } from './tables.js';

/** The probe as it lies in guest RAM from PROBE_BASE: image, then page tables. */
export interface ProbeImage {
  entry: bigint;
  bytes: Uint8Array;
}

let cached: ProbeImage | undefined;

/**
 * The probe's image, read and laid out once per process.
 * @throws ProbeBootError if the guest was not built
 */
export function probeImage(): ProbeImage {
  cached ??= layOut(readElf());
  return cached;
}

function readElf(): Uint8Array {
  try {
    return readFileSync(builtFile('probe.elf'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new ProbeBootError(`the probe guest is not built: probe.elf is missing, run ${buildCommand()}`);
  }
}

/**
 * Lay an ELF out behind its page tables.
 * @throws ProbeBootError if it is no ELF, or does not fit the layout
 */
function layOut(elf: Uint8Array): ProbeImage {
  const { entry, segments } = parsed(elf);
  const bytes = new Uint8Array(L.PROBE_IMAGE_SIZE + TABLE_PAGES * PAGE_SIZE);
  for (const { physical, memorySize, data } of segments) {
    const offset = physical - L.PROBE_BASE;
    if (offset < 0 || offset + memorySize > L.PROBE_IMAGE_SIZE) {
      throw new ProbeBootError(
        `probe.elf has a segment at 0x${physical.toString(16)}, outside the probe's image`,
      );
    }
    bytes.set(data, offset);
  }
  bytes.set(probeTables(), PML4_GPA - L.PROBE_BASE);
  return { entry, bytes };
}

function parsed(elf: Uint8Array): ElfImage {
  try {
    return parseElf(elf);
  } catch (error) {
    throw error instanceof ElfError ? new ProbeBootError(`probe.elf: ${error.message}`) : error;
  }
}
