import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPageTables } from '../../arch/page-tables.js';
import { PAGE_SIZE } from '../../arch/units.js';
import { BOOT_PARAMS, LOADER_UNDEFINED, setupHeader } from '../../formats/bzimage.js';
import { tryParseElf } from '../../formats/elf.js';
import { cacheRoot, contentKey, fillEntry } from '../cache.js';
import { mustExec } from '../exec.js';
import type { Boot } from './engine.js';

/** Physical addresses of what is put into RAM below the kernel. boot.S knows all of these. */
const LOW = 0x100000;
const COMMAND_LINE = 0x101000;
const PML4 = 0x102000;
const PLACES = 0x108000;
const LOW_END = 0x109000;
/** Blocks that are touched only to find the mark. */
const SPARE = 0x800_0000;
/** The initramfs: above all that. */
const INITRD = 0x900_0000;

/** Unit in which Bochs gives out guest RAM, BX_MEM_BLOCK_LEN. */
const BLOCK = 0x20000;
const TAPE_MARK = 'tape';
/** More blocks than the BIOS touches before it runs the ROM: it took 3. */
const BIOS_BLOCKS = 64;

/** In loadFlags: the kernel lies at 1 MiB or above. */
const LOADED_HIGH = 1;

const ROM_ADDRESS = 0xd0000;
const ROM_ENTRY = 8;
const ROM_SOURCE = fileURLToPath(new URL('../../../guests/lab/boot.S', import.meta.url));

export interface Preload {
  file: string;
  address: number;
}

/** Files that Bochs loads: one image of RAM, and the option ROM that puts it in place and starts the kernel. */
export interface DirectBoot {
  ram: Preload;
  rom: Preload;
}

/** A piece of memory: content from a file or from here. */
interface Place {
  address: number;
  parts: (Buffer | { file: string; size: number })[];
}

/**
 * Lay out a kernel and its initramfs so that no BIOS has to read a disk and no guest has to unpack anything.
 *
 * @returns undefined when the kernel does not fit this layout: it must be booted from a disk then
 */
export async function directBoot(boot: Boot): Promise<DirectBoot | undefined> {
  const { bzImage, vmlinux } = boot.kernel;
  const kernel = vmlinux && flatten(vmlinux);
  if (!kernel) return undefined;
  const initrd = await placeInitrds(boot.initrds);
  const places: Place[] = [{ address: kernel.address, parts: [kernel.bytes] }, initrd];
  if (boot.memoryImage) places.push(await placeImage(boot.memoryImage));
  if (boot.job) places.push({ address: boot.job.address, parts: [boot.job.content] });
  const low = lowMemory(bzImage, boot.commandLine, partsSize(initrd));
  writePlaces(low, places);
  const ramFile = join(boot.scratch, 'ram.img');
  const romFile = join(boot.scratch, 'boot.rom');
  await writeTape(ramFile, low, places);
  await writeFile(romFile, await bootRom(kernel.entry));
  return { ram: { file: ramFile, address: LOW }, rom: { file: romFile, address: ROM_ADDRESS } };
}

const blocksOf = (bytes: number): number => Math.ceil(bytes / BLOCK);

function partsSize({ parts }: Place): number {
  return parts.reduce((total, part) => total + ('file' in part ? part.size : part.length), 0);
}

function writePlaces(low: Buffer, places: readonly Place[]): void {
  let at = PLACES - LOW;
  for (const place of places) {
    low.writeUInt32LE(place.address, at);
    low.writeUInt32LE(blocksOf(partsSize(place)), at + 4);
    at += 8;
  }
}

/** The first block is where Bochs loads the file; then blocks that the BIOS takes, the mark, and the places in order. */
async function writeTape(path: string, low: Buffer, places: readonly Place[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.write(low, 0, low.length, 0);
    let at = (1 + BIOS_BLOCKS) * BLOCK;
    await file.write(TAPE_MARK, at);
    at += BLOCK;
    for (const place of places) {
      let position = at;
      for (const part of place.parts) {
        const bytes = 'file' in part ? await readFile(part.file) : part;
        await file.write(bytes, 0, bytes.length, position);
        position += 'file' in part ? part.size : bytes.length;
      }
      at += blocksOf(partsSize(place)) * BLOCK;
    }
    await file.truncate(at);
  } finally {
    await file.close();
  }
}

/** One piece of memory with all segments in their places. The kernel clears its own bss. */
function flatten(vmlinux: Buffer): { bytes: Buffer; address: number; entry: bigint } | undefined {
  const elf = tryParseElf(vmlinux);
  if (elf?.bits !== 64) return undefined;
  const address = Math.min(...elf.segments.map((segment) => segment.physical));
  const fileEnd = Math.max(...elf.segments.map((segment) => segment.physical + segment.fileSize));
  const end = Math.max(...elf.segments.map((segment) => segment.physical + segment.memorySize));
  // Many headers of the same large segment would take for ever to copy.
  const total = elf.segments.reduce((sum, { fileSize }) => sum + fileSize, 0);
  if (total > vmlinux.length || address % BLOCK !== 0 || address < LOW_END || end > SPARE) return undefined;
  const bytes = Buffer.alloc(fileEnd - address);
  for (const { physical, data } of elf.segments) bytes.set(data, physical - address);
  return { bytes, address, entry: elf.entry };
}

/** One after the other, page aligned; the kernel skips zeros between two archives. */
async function placeInitrds(files: readonly string[]): Promise<Place> {
  const aligned = async (file: string) => ({
    file,
    size: Math.ceil((await stat(file)).size / PAGE_SIZE) * PAGE_SIZE,
  });
  return { address: INITRD, parts: await Promise.all(files.map(aligned)) };
}

async function placeImage({ file, address }: { file: string; address: number }): Promise<Place> {
  return { address, parts: [{ file, size: (await stat(file)).size }] };
}

function lowMemory(bzImage: Buffer, commandLine: string, initrdSize: number): Buffer {
  const low = Buffer.alloc(LOW_END - LOW);
  low.set(setupHeader(bzImage), BOOT_PARAMS.setupSectors);
  low[BOOT_PARAMS.loader] = LOADER_UNDEFINED;
  low[BOOT_PARAMS.loadFlags] = (low[BOOT_PARAMS.loadFlags] as number) | LOADED_HIGH;
  low.writeUInt32LE(INITRD, BOOT_PARAMS.ramdiskImage);
  low.writeUInt32LE(initrdSize, BOOT_PARAMS.ramdiskSize);
  low.writeUInt32LE(COMMAND_LINE, BOOT_PARAMS.cmdline);
  low.write(commandLine, COMMAND_LINE - LOW, PAGE_SIZE - 1, 'latin1');
  low.set(buildPageTables(PML4), PML4 - LOW);
  return low;
}

async function bootRom(entry: bigint): Promise<Buffer> {
  const key = contentKey(await readFile(ROM_SOURCE));
  const dir = await fillEntry(join(cacheRoot(), 'init', `rom-${key}`), ['boot.rom'], async (temporary) => {
    const link = ['-nostdlib', '-static', '-Wl,-Ttext=0,--oformat=binary,--build-id=none'];
    const args = [...link, '-o', join(temporary, 'boot.rom'), ROM_SOURCE];
    await mustExec('gcc', args, { code: 'LAB_BUILD', what: 'cannot assemble the lab’s boot ROM' });
  });
  const rom = await readFile(join(dir, 'boot.rom'));
  rom.writeBigUInt64LE(entry, ROM_ENTRY);
  // The BIOS runs a ROM whose bytes add up to 0.
  const sum = rom.subarray(0, -1).reduce((total, byte) => total + byte, 0);
  rom[rom.length - 1] = (256 - (sum % 256)) % 256;
  return rom;
}
