// MSR exits: an MSR that KVM does not know is emulated here, another one ends in #GP, which is fatal to this guest.
import { bootGuest, Kvm, Machine } from 'kvm-memtype';

const COUNTER = 0xabcd0000;

const code = [
  ...[0x66, 0xb9, 0x00, 0x00, 0xcd, 0xab], // mov $COUNTER, %ecx
  ...[0x0f, 0x32], //                         rdmsr
  ...[0x66, 0x83, 0xc0, 0x05], //             add $5, %eax
  ...[0x0f, 0x30], //                         wrmsr
  ...[0x66, 0x41], //                         inc %ecx
  ...[0x0f, 0x32], //                         rdmsr: #GP
  ...[0xf4], //                               hlt
];

using kvm = Kvm.open();
using machine = Machine.create(kvm, { vcpus: 1, ramSize: 2 ** 20, msrMode: 'kernel' });

let counter = 37n;
machine.msr.register(COUNTER, 1, {
  action: 'handled',
  read: () => counter,
  write: (_vcpu, _msr, value) => {
    counter = value;
    return true;
  },
});

// Interrupt vector 13 (#GP) leads to the `hlt` at 0:0x600.
bootGuest(machine, new Uint8Array(code));
machine.guestBytes(0x600n, 1)?.set([0xf4]);
machine.guestBytes(13n * 4n, 4)?.set([0x00, 0x06, 0x00, 0x00]);

machine.run(0);
console.log(`the counter is ${counter}`);
for (const { msr, write, action } of machine.msr.takeLog()) {
  console.log(`${write ? 'wrmsr' : 'rdmsr'} 0x${msr.toString(16)}: ${action}`);
}
