import type { DumpFormat } from '../types.js';

const LEAST_BITS = 36;
const MOST_BITS = 52;

/** The line of /proc/cpuinfo that tells MAXPHYADDR (show_cpuinfo() of arch/x86/kernel/cpu/proc.c); the others tell nothing. */
export const cpuinfo: DumpFormat = {
  name: '/proc/cpuinfo',
  start: () => (line) => {
    const text = /^address sizes\s*: (\d{1,3}) bits physical, \d{1,3} bits virtual$/.exec(line.trim())?.[1];
    if (text === undefined)
      return /^power management:$|^[a-z_][\w ()-]{0,30}\t+:(?: |$)/i.test(line) ? [] : undefined;
    const bits = Number(text);
    if (bits >= LEAST_BITS && bits <= MOST_BITS) return [{ what: 'address-bits', bits }];
    return { why: `the guests that can be asked about have ${LEAST_BITS} to ${MOST_BITS} bits` };
  },
};
