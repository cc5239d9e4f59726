/** How the emulator's processor came to a guest's address, as its trace of memory accesses tells. */
export interface Walk {
  /** The entry of the guest's own table that maps the address. */
  pte: bigint;
  /** Its level: 1 for 4 KiB, 2 for 2 MiB, 3 for 1 GiB. */
  pteLevel: number;
  /** The entry of EPT that maps it. */
  epte: bigint;
  level: number;
  /** Where in the host's memory the access was. */
  host: bigint;
  /** IA32_PAT of the processor meanwhile. */
  pat: bigint;
}

/** What the trace tells is not a guest's access through EPT. */
export class WalkError extends Error {
  override readonly name = 'WalkError';
  readonly code = 'WALK';
}

/** Names of entries in the trace (BX_PTE_ACCESS, BX_EPT_PTE_ACCESS, …), and their levels. */
const LEVELS: Readonly<Record<string, number>> = { PTE: 1, PDE: 2, PDPTE: 3, PML4E: 4 };

const ENTRY =
  /^\[CPU\d RD\]: PHY 0x[0-9a-f]+ \(len=8, [^)]*\): 0x([0-9A-F]{8}) 0x([0-9A-F]{8})\t; (EPT )?(PTE|PDE|PDPTE|PML4E)$/;
const ACCESS = /^\[CPU\d RD\]: LIN 0x[0-9a-f]+ PHY 0x([0-9a-f]+) /;

interface Entry {
  value: bigint;
  isEpt: boolean;
  level: number;
}

const entryOf = (line: string): Entry | undefined => {
  const [, high, low, ept, name] = ENTRY.exec(line) ?? [];
  if (high === undefined || name === undefined) return undefined;
  return { value: BigInt(`0x${high}${low}`), isEpt: ept !== undefined, level: LEVELS[name] ?? 0 };
};

/**
 * Read the walk before the last access of a trace.
 *
 * A walk of both tables reads for each level of the guest's the entries of EPT that lead to it, then its own; at the end those of EPT
 * that lead to the page (SDM, "EPT Translation Mechanism"). So the last entry of EPT, right before the access, maps the page, and
 * the last of the guest's the address.
 *
 * @param text the trace, one access a line
 * @throws WalkError
 */
export function walkOf(text: string, pat: bigint): Walk {
  const lines = text.trimEnd().split('\n');
  const host = ACCESS.exec(lines.at(-1) ?? '')?.[1];
  const entries = lines.flatMap((line) => entryOf(line) ?? []);
  const ept = entries.at(-1);
  const own = entries.findLast(({ isEpt }) => !isEpt);
  if (host === undefined || ept === undefined || !ept.isEpt || own === undefined)
    throw new WalkError(`no walk of EPT in what the emulator traced: ${JSON.stringify(text.slice(-400))}`);
  return {
    pte: own.value,
    pteLevel: own.level,
    epte: ept.value,
    level: ept.level,
    host: BigInt(`0x${host}`),
    pat,
  };
}
