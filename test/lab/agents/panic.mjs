// Crashes the kernel through sysrq.
import { writeFileSync } from 'node:fs';

console.log('{"about":"to crash"}');
writeFileSync('/proc/sysrq-trigger', 'c');
