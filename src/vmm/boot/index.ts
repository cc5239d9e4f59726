import type { Vcpu } from '../../kvm/vcpu.js';
import { flatGdt, longMode, protectedMode, realMode } from '../cpu-state.js';
import { isBzImage, loadBzImage } from './bzimage.js';
import { loadElf } from './elf-boot.js';
import type { BootEntry, BootInput } from './entry.js';
import { loadFlat } from './flat.js';
import { type GuestRam, PLACES } from './ram.js';

export type { BootEntry, BootInput } from './entry.js';
export { GuestRam } from './ram.js';

const ELF_MAGIC = 0x7f454c46;

/**
 * Load a guest, whatever it is: a bzImage, an ELF with a multiboot 1 header or a PVH note, else a flat binary.
 * @throws GuestImageError
 */
export function loadGuest(ram: GuestRam, file: Uint8Array, input: BootInput): BootEntry {
  if (isBzImage(file)) return loadBzImage(ram, file, input);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const isElf = file.length >= 4 && view.getUint32(0) === ELF_MAGIC;
  return isElf ? loadElf(ram, file, input) : loadFlat(ram, file);
}

/** Put a vCPU where a loaded guest is to start. */
export function startAt(vcpu: Vcpu, ram: GuestRam, entry: BootEntry): void {
  const sregs = vcpu.getSregs();
  if (entry.mode === 'real') {
    vcpu.setSregs(realMode(sregs));
  } else {
    const gdt = flatGdt(entry.mode === 'long' ? 64 : 32);
    ram.put(PLACES.gdt, new Uint8Array(gdt.buffer));
    const tables = {
      gdt: { base: BigInt(PLACES.gdt), limit: gdt.byteLength - 1 },
      codeSelector: 0x10,
      dataSelector: 0x18,
    };
    const long = entry.mode === 'long';
    vcpu.setSregs(long ? longMode(sregs, tables, BigInt(PLACES.pageTables)) : protectedMode(sregs, tables));
  }
  const cleared = Object.fromEntries(Object.keys(vcpu.getRegs()).map((name) => [name, 0n]));
  const given = Object.entries(entry.regs).map(([name, value]) => [name, BigInt(value)]);
  const regs = { ...cleared, ...Object.fromEntries(given), rip: BigInt(entry.rip), rflags: 2n };
  vcpu.setRegs(regs as ReturnType<Vcpu['getRegs']>);
}
