import { mib, msrs, touch } from '../../scenario/builder.js';
import type { Step } from '../../scenario/types.js';
import { reads, WRITABLE } from './values.js';

/** Read every MTRR that can be written, and the PAT, by the guest and by its VMM. */
export const readAll = (vcpu: number): Step[] => [
  msrs(reads(WRITABLE), { vcpu }),
  msrs(reads(WRITABLE), { vcpu, by: 'host' }),
];

/** On both sides of what the scenarios' ranges begin and end with. */
export const PAGES = [0n, 0x9_f000n, mib(3), mib(4), mib(5) - 0x1000n, mib(5)];

/** Touch a page for each type that the scenarios' MTRRs give. */
export const touchAll = (vcpu = 0): Step[] => PAGES.map((gpa) => touch(gpa, { vcpu }));
