import { SnapshotError } from './errors.js';

/** Unit in which Bochs gives out guest RAM, BX_MEM_BLOCK_LEN. */
const BLOCK = 0x20000;

/** The files of Bochs' that are changed once they are saved: `trims` has what becomes of each. */
export type Trimmed = 'memory' | 'cpu0' | 'config';

/** What is known of a machine that Bochs has saved, beside its files. */
export interface Saved {
  /** Bochs' own. */
  log: string;
  /** Which blocks of Bochs' memory hold something, by their number there. */
  written: ReadonlySet<number>;
  /** Where another file will be mapped: a place in RAM, in bytes. */
  job: { address: number; size: number };
}

/**
 * Bochs looks each block up in a list, which takes it the square of their number. So leave out those that were never used, and those that
 * hold zeros: they are given out again when they are used. In a page of 1 GiB that was cleared these are 8192.
 */
function trimMemory(memory: string, { written, job }: Saved): string {
  const [first, end] = [job.address, job.address + job.size].map((at) => Math.ceil(at / BLOCK)) as [
    number,
    number,
  ];
  let used = 0;
  const trimmed = memory.replace(/^ *blk(\d+) = (-?\d+)\n/gm, (line, block: string, place: string) => {
    const isJob = Number(block) >= first && Number(block) < end;
    if (!isJob && !written.has(Number(place))) return '';
    used = Math.max(used, Number(place) + 1);
    return line;
  });
  // What lies behind the last is given out next.
  return trimmed.replace(/^( *used_blocks =) \d+$/m, `$1 ${used}`);
}

/** A restored machine starts with empty TLBs anyway. */
const trimCpu = (cpu: string): string => cpu.replace(/^ {2}[DI]TLB = \{\n(?: {4}.*\n)* {2}\}\n/gm, '');

/**
 * Bochs saves timers by number. So have the restored machine make its devices, and with them its timers, in the order of the first
 * start, which its log tells. The RAM need not be loaded again.
 */
function trimConfig(config: string, { log }: Saved): string {
  const listed = /^plugin_ctrl: (.*)$/m.exec(config)?.[1];
  if (listed === undefined) throw new SnapshotError('Bochs saved no plugin_ctrl');
  const optional = new Set([...listed.matchAll(/(\w+)=(?:true|1)/g)].map(([, name]) => name as string));
  const made = [...log.matchAll(/init_dev of '(\w+)' plugin device/g)].map(([, name]) => name as string);
  const order = made.filter((name) => optional.has(name));
  if (order.length !== optional.size) throw new SnapshotError('Bochs’ log does not name the devices it made');
  return config
    .replace(/^plugin_ctrl:.*$/m, `plugin_ctrl: ${order.map((name) => `${name}=true`).join(', ')}`)
    .replace(/^(optramimage1:).*$/m, '$1 file=none');
}

/** Take out of what Bochs has saved what costs time and tells nothing, and mend what it would not restore. */
export const trims: Readonly<Record<Trimmed, (text: string, saved: Saved) => string>> = {
  memory: trimMemory,
  cpu0: trimCpu,
  config: trimConfig,
};

/**
 * Where a piece of RAM lies in Bochs' own memory, in bytes from its start.
 * @throws SnapshotError if it is not in one piece there
 */
export function hostOffset(memory: string, address: number, size: number): number {
  const first = address / BLOCK;
  const places = Array.from({ length: Math.ceil(size / BLOCK) }, (_, i) =>
    Number(new RegExp(`^ *blk${first + i} = (\\d+)$`, 'm').exec(memory)?.[1]),
  );
  const [start = Number.NaN] = places;
  if (!places.every((place, i) => place === start + i))
    throw new SnapshotError('the job’s place is not in one piece');
  return start * BLOCK;
}
