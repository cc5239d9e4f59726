/** What a loader was given beside the image. */
export interface BootInput {
  cmdline: string;
  /** Contents of the initial RAM disk or the one boot module. */
  initrd?: Uint8Array;
  /** Physical address of the ACPI RSDP, if the machine has ACPI tables. */
  rsdp?: number;
}

/** State in which a loaded guest is to be started. */
export interface BootEntry {
  /** `real`: CS base = 0; `protected`: flat 32-bit, paging off; `long`: flat 64-bit, low 4 GiB identity-mapped. */
  mode: 'real' | 'protected' | 'long';
  rip: number;
  /** General registers that matter to the protocol; the rest are 0. */
  regs: { rax?: number; rbx?: number; rsi?: number; rsp?: number };
}
