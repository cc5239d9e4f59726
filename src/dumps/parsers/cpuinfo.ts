import type { DumpFormat } from '../types.js';

/** The line of /proc/cpuinfo that tells MAXPHYADDR. */
export const cpuinfo: DumpFormat = {
  name: '/proc/cpuinfo',
  start: () => (line) => {
    const bits = /^address sizes\s*: (\d{2}) bits physical, \d{2} bits virtual$/.exec(line.trim())?.[1];
    return bits === undefined ? undefined : [{ what: 'address-bits', bits: Number(bits) }];
  },
};
