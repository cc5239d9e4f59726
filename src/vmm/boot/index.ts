import { isBzImage } from '../../formats/bzimage.js';
import { isElf } from '../../formats/elf.js';
import { flatGdt, longMode, protectedMode, realMode } from '../cpu-state.js';
import type { Machine } from '../machine.js';
import { loadBzImage } from './bzimage.js';
import { loadElf } from './elf-boot.js';
import type { BootEntry, BootInput } from './entry.js';
import { loadFlat } from './flat.js';
import { GuestRam, PLACES } from './ram.js';

/**
 * Load a guest, whatever it is: a bzImage, an ELF with a multiboot 1 header or a PVH note, else a flat binary.
 * @throws GuestImageError
 */
function loadGuest(ram: GuestRam, file: Uint8Array, input: BootInput): BootEntry {
  if (isBzImage(file)) return loadBzImage(ram, file, input);
  return isElf(file) ? loadElf(ram, file, input) : loadFlat(ram, file);
}

/**
 * Load a guest into slot 0 and put vCPU 0 where it starts: a bzImage, an ELF with a multiboot 1 header or a PVH note,
 * else a flat binary, which starts in real mode at 0x7c00.
 * @throws GuestImageError if the image is none of these or does not fit
 */
export function bootGuest(
  machine: Machine,
  image: Uint8Array,
  input: BootInput = { cmdline: '' },
): BootEntry {
  const entry = loadGuest(new GuestRam(machine.ram.buffer, machine.ramSize), image, input);
  startAt(machine, 0, entry);
  return entry;
}

/** Put a vCPU where `entry` says, every other general register 0. */
export function startAt(machine: Machine, vcpu: number, entry: BootEntry): void {
  const cpu = machine.vcpus[vcpu];
  if (!cpu) throw new RangeError(`vCPU ${vcpu} of a machine with ${machine.vcpus.length}`);
  const sregs = cpu.getSregs();
  if (entry.mode === 'real') {
    cpu.setSregs(realMode(sregs));
  } else {
    const gdt = flatGdt(entry.mode === 'long' ? 64 : 32);
    const ram = new GuestRam(machine.ram.buffer, machine.ramSize);
    ram.put(PLACES.gdt, new Uint8Array(gdt.buffer));
    const tables = {
      gdt: { base: BigInt(PLACES.gdt), limit: gdt.byteLength - 1 },
      codeSelector: 0x10,
      dataSelector: 0x18,
    };
    const long = entry.mode === 'long';
    cpu.setSregs(long ? longMode(sregs, tables, BigInt(PLACES.pageTables)) : protectedMode(sregs, tables));
  }
  const { rax = 0, rbx = 0, rsi = 0, rsp = 0 } = entry.regs;
  const set = { rax, rbx, rsi, rsp, rip: entry.rip, rflags: 2 };
  const regs = cpu.getRegs();
  for (const name of Object.keys(regs) as (keyof typeof regs)[]) {
    regs[name] = BigInt(name in set ? set[name as keyof typeof set] : 0);
  }
  cpu.setRegs(regs);
}
