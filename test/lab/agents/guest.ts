// Boots a Linux kernel as a guest of our own monitor and prints what it says, line by line.
import { readFileSync } from 'node:fs';
import { Kvm } from '../../../src/kvm/index.js';
import { Pc, type PcEnd } from '../../../src/vmm/index.js';

const [image = '', initrd = '', cmdline = ''] = process.argv.slice(2);
let line = '';
const onSerial = (byte: number): void => {
  if (byte === 10) {
    console.log(JSON.stringify({ line: line.trimEnd() }));
    line = '';
  } else {
    line += String.fromCharCode(byte);
  }
};

using kvm = Kvm.open();
using pc = Pc.create(kvm, {
  image: readFileSync(image),
  initrd: readFileSync(initrd),
  cmdline,
  memory: 128 * 2 ** 20,
  cpus: 2,
  onSerial,
});
let end: PcEnd | undefined;
while (!end) end = pc.runSlice();
console.log(JSON.stringify({ end }));
