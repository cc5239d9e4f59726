// Two vCPUs on one thread: they take turns at a counter in shared memory, each time until they ring a doorbell.
import { bootGuest, Kvm, Machine, startAt } from 'kvm-memtype';

const DOORBELL = 0x80;
const COUNTER = 0x500;

const code = [
  ...[0xff, 0x06, 0x00, 0x05], // 1: incw (COUNTER)
  ...[0xe6, 0x80], //                out  %al, $DOORBELL
  ...[0xeb, 0xf8], //                jmp  1b
];

using kvm = Kvm.open();
using machine = Machine.create(kvm, { vcpus: 2, ramSize: 2 ** 20, msrMode: 'kernel' });

machine.pio.register(DOORBELL, 1, { read: () => 0, write: () => machine.stop() });
const entry = bootGuest(machine, new Uint8Array(code));
startAt(machine, 1, entry);

const ram = new DataView(machine.ram.buffer);
for (const vcpu of [0, 1, 1, 0, 1]) {
  machine.runUntilDoorbell(vcpu);
  console.log(`vCPU ${vcpu} made it ${ram.getUint16(COUNTER, true)}`);
}
