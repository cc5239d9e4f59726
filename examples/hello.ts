// Hello over PIO: 16-bit code writes a text to the first serial port, byte by byte, and halts.
import { bootGuest, Kvm, Machine } from 'kvm-memtype';

const COM1 = 0x3f8;

// Starts at 0x7c00; the text follows it, at 0x7c0f.
const code = [
  ...[0xbe, 0x0f, 0x7c], //    mov  $0x7c0f, %si
  ...[0xba, 0xf8, 0x03], //    mov  $COM1, %dx
  ...[0xac], //             1: lodsb
  ...[0x84, 0xc0], //          test %al, %al
  ...[0x74, 0x03], //          jz   2f
  ...[0xee], //                out  %al, (%dx)
  ...[0xeb, 0xf8], //          jmp  1b
  ...[0xf4], //             2: hlt
];

using kvm = Kvm.open();
using machine = Machine.create(kvm, { vcpus: 1, ramSize: 2 ** 20, msrMode: 'kernel' });

machine.pio.register(COM1, 8, {
  read: () => 0,
  write: (_offset, _size, value) => process.stdout.write(String.fromCharCode(value)),
});

bootGuest(machine, new Uint8Array([...code, ...Buffer.from('hello from a guest\n\0')]));
console.log(`the run ended by ${machine.run(0)}`);
