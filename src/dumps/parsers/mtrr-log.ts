import { type MemType, MT, PAT_TYPES, typeBytes } from '../../arch/memory-types.js';
import { MSR, PHYSMASK_VALID } from '../../arch/msrs.js';
import { type DumpFormat, type Fact, hexOf } from '../types.js';

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

type Row = readonly [pattern: RegExp, facts: (match: readonly string[]) => readonly Fact[]];

function pair(index: string, base: string, mask: string, type: string): Fact[] {
  const msr = MSR.PHYSBASE0 + 2 * Number(index);
  return [
    { what: 'msr', cpu: undefined, msr, value: hexOf(base) | BigInt(MT[typeOf(type)]) },
    { what: 'msr', cpu: undefined, msr: msr + 1, value: hexOf(mask) | PHYSMASK_VALID },
  ];
}

/** `WB  WC  UC- UC  WB  WP  UC- WT `: the entries of the PAT, from 0 on. */
function pat(words: string): readonly Fact[] {
  const types = words
    .trim()
    .split(/\s+/)
    .map((word) => PAT_TYPES.find((type) => type === word));
  if (types.length !== 8 || types.includes(undefined)) return [];
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
    ([first = '', last = '', type = '']) => [
      {
        what: 'fixed',
        type: typeOf(type.toLowerCase()),
        start: hexOf(first),
        size: hexOf(last) + 1n - hexOf(first),
      },
    ],
  ],
  [
    new RegExp(`^(\\d{1,2}) base ([0-9A-F]{1,16}) mask ([0-9A-F]{1,16}) (${WORD})$`, 'i'),
    ([index = '', base = '', mask = '', type = '']) => pair(index, base, mask, type.toLowerCase()),
  ],
  [/^\d{1,2} disabled$/, () => []],
  [/^(?:TOM2: |MTRR map: |x86\/PAT: (?!Configuration)|mtrr: )/, () => []],
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
