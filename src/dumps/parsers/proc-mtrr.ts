import type { MemType } from '../../arch/memory-types.js';
import type { DumpFormat } from '../types.js';
import { TYPE_WORDS } from './mtrr-log.js';

const LINE =
  /^reg(\d{2}): base=0x([0-9a-f]{1,16}) \( *\d+MB\), size= *(\d{1,12})([KM])B, count=\d+: ([a-z-]+)$/;

/** /proc/mtrr (mtrr_seq_show() of arch/x86/kernel/cpu/mtrr/if.c). It does not tell the default type. */
export const procMtrr: DumpFormat = {
  name: '/proc/mtrr',
  start: () => (line) => {
    const [, index, base, size, unit, word = ''] = LINE.exec(line.trim()) ?? [];
    const type: MemType | undefined = TYPE_WORDS[word];
    if (index === undefined || size === undefined || type === undefined) return undefined;
    const bytes = BigInt(size) << (unit === 'K' ? 10n : 20n);
    return [{ what: 'range', index: Number(index), type, base: BigInt(`0x${base}`), size: bytes }];
  },
};
