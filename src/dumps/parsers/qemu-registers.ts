import { type DumpFormat, hexOf } from '../types.js';

const CR0 = /^CR0=([0-9a-f]{8,16}) CR2=/;
/** The other lines of the dump (x86_cpu_dump_state() of QEMU). */
const OTHERS =
  /^(?:R(?:AX|SI|8 |12|IP)=|E(?:AX|SI|IP)=|[CDEFGS]S ?=|LDT=|TR ?=|[GI]DT=|DR[0-7]=|EFER=|CC[SD]=|FCW=|FPR[0-7]=|[XYZ]MM\d+=|Opmask\d+=|CR[234]=)/;

/** QEMU's monitor, `info registers`, also with -a: CR0 tells CD, and whether paging is on. */
export const qemuRegisters: DumpFormat = {
  name: 'info registers',
  start: (context) => (whole) => {
    const line = whole.trim();
    const value = CR0.exec(line)?.[1];
    if (value !== undefined) return [{ what: 'cr0', cpu: context.cpu, value: hexOf(value) }];
    return OTHERS.test(line) ? [] : undefined;
  },
};
