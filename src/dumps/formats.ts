import { cpuinfo } from './parsers/cpuinfo.js';
import { e820 } from './parsers/e820.js';
import { iomem } from './parsers/iomem.js';
import { kvmTrace } from './parsers/kvm-trace.js';
import { lspci } from './parsers/lspci.js';
import { mtree } from './parsers/mtree.js';
import { mtrrLog } from './parsers/mtrr-log.js';
import { procMtrr } from './parsers/proc-mtrr.js';
import { qemuRegisters } from './parsers/qemu-registers.js';
import { rdmsrList } from './parsers/rdmsr.js';
import type { DumpFormat } from './types.js';

/** Every format, in the order in which they are tried on a line. A new one is a file and a line here. */
export const DUMP_FORMATS: readonly DumpFormat[] = [
  mtrrLog,
  procMtrr,
  e820,
  kvmTrace,
  mtree,
  qemuRegisters,
  iomem,
  lspci,
  cpuinfo,
  rdmsrList,
];
