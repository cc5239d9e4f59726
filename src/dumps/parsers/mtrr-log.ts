import { type MemType, MT, PAT_TYPES, typeBytes } from '../../arch/memory-types.js';
import { MSR, PHYSMASK_VALID } from '../../arch/msrs.js';
import { type DumpFormat, type Fact, hexOf, type Misfit } from '../types.js';

/** Names of types as mtrr_attrib_to_str() prints them (arch/x86/kernel/cpu/mtrr/if.c). */
export const TYPE_WORDS: Readonly<Record<string, MemType>> = {
  uncachable: 'UC',
  'write-combining': 'WC',
  'write-through': 'WT',
  'write-protect': 'WP',
  'write-back': 'WB',
};

const WORD = Object.keys(TYPE_WORDS).join('|');
const typeOf = (word: string): MemType => TYPE_WORDS[word] as MemType;

type Told = readonly Fact[] | Misfit | undefined;
type Row = readonly [pattern: RegExp, facts: (match: readonly string[]) => Told];

function pair(index: string, base: string, mask: string, type: string): Fact[] {
  const msr = MSR.PHYSBASE0 + 2 * Number(index);
  return [
    { what: 'msr', cpu: undefined, msr, value: hexOf(base) | BigInt(MT[typeOf(type)]) },
    { what: 'msr', cpu: undefined, msr: msr + 1, value: hexOf(mask) | PHYSMASK_VALID },
  ];
}

const fixed = (start: bigint, last: bigint, type: string): Told =>
  last < start
    ? { why: 'it ends before it begins' }
    : [{ what: 'fixed', type: typeOf(type), start, size: last + 1n - start }];

/** `WB  WC  UC- UC  WB  WP  UC- WT `: the entries of the PAT, from 0 on. */
function pat(words: string): Told {
  const types = words
    .trim()
    .split(/\s+/)
    .map((word) => PAT_TYPES.find((type) => type === word));
  if (types.length !== 8 || types.includes(undefined)) return undefined;
  const value = typeBytes(...types.map((type) => (type === undefined ? 0 : MT[type])));
  return [{ what: 'msr', cpu: undefined, msr: MSR.PAT, value }];
}

/** print_mtrr_state() of arch/x86/kernel/cpu/mtrr/generic.c, and pat_init's line; 5.10 to 7.3. */
const ROWS: readonly Row[] = [
  [new RegExp(`^MTRR default type: (${WORD})$`), ([type = '']) => [{ what: 'default', type: typeOf(type) }]],
  [
    /^MTRR (fixed|variable) ranges (en|dis)abled:$/,
    ([ranges, on]) => [{ what: 'enabled', ranges: ranges as 'fixed' | 'variable', on: on === 'en' }],
  ],
  [
    new RegExp(`^([0-9A-F]{5})-([0-9A-F]{5}) (${WORD})$`, 'i'),
    ([first = '', last = '', type = '']) => fixed(hexOf(first), hexOf(last), type.toLowerCase()),
  ],
  [
    new RegExp(`^(\\d{1,2}) base ([0-9A-F]{1,16}) mask ([0-9A-F]{1,16}) (${WORD})$`, 'i'),
    ([index = '', base = '', mask = '', type = '']) => pair(index, base, mask, type.toLowerCase()),
  ],
  [/^\d{1,2} disabled$/, () => []],
  [/^(?:TOM2: |MTRR map: |MTRR MAP PFN: |total RAM covered: )/i, () => []],
  // The map that 6.5 and later make of the same registers (mtrr_build_map()).
  [new RegExp(`^\\d{1,3}: [0-9a-f]{16}-[0-9a-f]{16} (${WORD})$`), () => []],
  [/^mtrr: (?:your CPUs had inconsistent|probably your BIOS|corrected configuration)/, () => []],
  [/^x86\/PAT: Configuration \[0-7\]: (.+)$/, ([words = '']) => pat(words)],
];

/** Linux's own account of the MTRRs, in its log (`mtrr=debug`, or `mtrr.show` in older kernels), and of the PAT. */
export const mtrrLog: DumpFormat = {
  name: "Linux's log",
  start: () => (line) => {
    const text = line
      .trim()
      .replace(/^mtrr: (?=MTRR |\d| )/, '')
      .trim();
    for (const [pattern, facts] of ROWS) {
      const match = pattern.exec(text);
      if (match !== null) return facts(match.slice(1));
    }
    return undefined;
  },
};
