// Dirty log: the guest writes to three pages, KVM says which ones.
import { bootGuest, HostMemory, KVM_MEM_LOG_DIRTY_PAGES, Kvm, Machine } from 'kvm-memtype';

const PAGE = 4096;
const PAGES = 16;
const GPA = 0x20000n;

const code = [
  ...[0xb8, 0x00, 0x20], // mov  $0x2000, %ax
  ...[0x8e, 0xd8], //       mov  %ax, %ds
  ...[0xa2, 0x00, 0x10], // mov  %al, (0x1000)
  ...[0xa2, 0x00, 0x50], // mov  %al, (0x5000)
  ...[0xa2, 0xff, 0xbf], // mov  %al, (0xbfff)
  ...[0xf4], //             hlt
];

using kvm = Kvm.open();
using memory = HostMemory.memfd(PAGES * PAGE);
using machine = Machine.create(kvm, { vcpus: 1, ramSize: Number(GPA), msrMode: 'kernel' });

const size = BigInt(PAGES * PAGE);
machine.setMemslot({ slot: 1, gpa: GPA, size, memory, flags: KVM_MEM_LOG_DIRTY_PAGES });
bootGuest(machine, new Uint8Array(code));
machine.run(0);

const bitmap = machine.vm.getDirtyLog(1, PAGES);
const dirty = Array.from({ length: PAGES }, (_, page) => page).filter(
  (page) => (bitmap[page >> 3] ?? 0) & (1 << (page & 7)),
);
console.log(`dirty pages: ${dirty.join(', ')}`);
