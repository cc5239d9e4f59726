import { ProbeProtocolError } from './errors.js';
import { LAYOUT as L } from './layout.js';
import { windowAddress } from './tables.js';

/** Gives the virtual address that reaches a gpa with a PAT entry. */
type AddressOf = (gpa: bigint, pat: number) => bigint;

/** Bytes of one access: 8 unless told. */
export type Width = 1 | 2 | 4 | 8;

/**
 * One command for the guest. `gpa` is a guest-physical address below 4 GiB, or one that the probe was booted for; `pat` the PAT
 * index (0..7) that it is reached through, MSR numbers are 32 bits, values 64.
 *
 * `fetch` calls the page: the VMM first plants a `ret` there, unless `plant` is false.
 * `timed-read` answers with the cycles of its load (rdtsc) in `extra`; `cpuid` with EAX | EBX << 32 in `value`
 * and ECX | EDX << 32 in `extra`.
 *
 * `witness` reads twice, the second time for an emulator that looks on (guests/lab/witness.c): anywhere else that does nothing more.
 *
 * `pause` is as many PAUSE instructions as told, one if not.
 *
 * The last ones make the guest a hypervisor: `vmptrld` clears the VMCS first; `l2-read` and `l2-write` have its own guest (L2) access
 * 4 bytes, and answer with what was read and, in `extra`, with the reason of the VM exit that followed.
 */
export type ProbeCommand =
  | { op: 'rdmsr'; msr: number }
  | { op: 'wrmsr'; msr: number; value: bigint }
  | { op: 'read' | 'timed-read' | 'witness'; gpa: bigint; pat: number; width?: Width }
  | { op: 'write'; gpa: bigint; pat: number; value: bigint; width?: Width }
  | { op: 'fetch'; gpa: bigint; pat: number; plant?: boolean }
  | { op: 'clflush' | 'invlpg'; gpa: bigint; pat: number }
  | { op: 'wbinvd' }
  | { op: 'pause'; times?: number }
  | { op: 'read-cr'; cr: 0 | 3 | 4 }
  | { op: 'write-cr'; cr: 0 | 3 | 4; value: bigint }
  | { op: 'cpuid'; leaf: number; subleaf: number }
  | { op: 'vmxon' | 'vmptrld'; gpa: bigint }
  | { op: 'vmwrite'; field: number; value: bigint }
  | { op: 'invept'; eptp: bigint }
  | { op: 'l2-read' | 'l2-write'; address: bigint };

/** A fault that a command raised: exception vector, error code (0 if it has none), CR2 and RIP. */
export interface ProbeFault {
  vector: number;
  errorCode: number;
  cr2: bigint;
  rip: bigint;
}

/** What a command did: its value (0 if it has none), or the fault it raised. */
export type ProbeResult = { ok: true; value: bigint; extra?: bigint } | { ok: false; fault: ProbeFault };

const OPS: Record<ProbeCommand['op'], number> = {
  rdmsr: L.PROBE_OP_RDMSR,
  wrmsr: L.PROBE_OP_WRMSR,
  read: L.PROBE_OP_READ,
  write: L.PROBE_OP_WRITE,
  fetch: L.PROBE_OP_FETCH,
  clflush: L.PROBE_OP_CLFLUSH,
  'timed-read': L.PROBE_OP_TIMED_READ,
  wbinvd: L.PROBE_OP_WBINVD,
  invlpg: L.PROBE_OP_INVLPG,
  'read-cr': L.PROBE_OP_READ_CR,
  'write-cr': L.PROBE_OP_WRITE_CR,
  cpuid: L.PROBE_OP_CPUID,
  pause: L.PROBE_OP_PAUSE,
  witness: L.PROBE_OP_WITNESS,
  vmxon: L.PROBE_OP_VMXON,
  vmptrld: L.PROBE_OP_VMPTRLD,
  vmwrite: L.PROBE_OP_VMWRITE,
  invept: L.PROBE_OP_INVEPT,
  'l2-read': L.PROBE_OP_L2_READ,
  'l2-write': L.PROBE_OP_L2_WRITE,
};

const HAS_EXTRA: ReadonlySet<ProbeCommand['op']> = new Set(['cpuid', 'timed-read', 'l2-read', 'l2-write']);

/** The two operands of a command, as the guest wants them. */
function operands(c: ProbeCommand, addressOf: AddressOf): [a: bigint, b: bigint] {
  switch (c.op) {
    case 'rdmsr':
      return [BigInt(c.msr), 0n];
    case 'wrmsr':
      return [BigInt(c.msr), c.value];
    case 'write':
      return [addressOf(c.gpa, c.pat), c.value];
    case 'read-cr':
      return [BigInt(c.cr), 0n];
    case 'write-cr':
      return [BigInt(c.cr), c.value];
    case 'cpuid':
      return [BigInt(c.leaf), BigInt(c.subleaf)];
    case 'vmxon':
    case 'vmptrld':
      return [c.gpa, 0n];
    case 'vmwrite':
      return [BigInt(c.field), c.value];
    case 'invept':
      return [c.eptp, 0n];
    case 'l2-read':
    case 'l2-write':
      return [c.address, 0n];
    case 'pause':
      return [BigInt(c.times ?? 1), 0n];
    case 'wbinvd':
      return [0n, 0n];
    default:
      return [addressOf(c.gpa, c.pat), 0n];
  }
}

/**
 * Write a batch into a mailbox: header and entries, results cleared.
 * @throws RangeError for more than PROBE_MAX_COMMANDS commands, or an address that the guest does not map
 */
export function encodeBatch(
  mailbox: DataView,
  commands: readonly ProbeCommand[],
  addressOf: AddressOf = windowAddress,
): void {
  if (commands.length > L.PROBE_MAX_COMMANDS) {
    throw new RangeError(`${commands.length} commands in a batch, want at most ${L.PROBE_MAX_COMMANDS}`);
  }
  mailbox.setUint32(L.PROBE_MAILBOX_MAGIC, L.PROBE_MAGIC, true);
  mailbox.setUint32(L.PROBE_MAILBOX_COUNT, commands.length, true);
  mailbox.setUint32(L.PROBE_MAILBOX_DONE, 0, true);
  mailbox.setBigUint64(L.PROBE_MAILBOX_SAVED_RSP, 0n, true);
  let at: number = L.PROBE_MAILBOX_ENTRIES;
  for (const command of commands) {
    const [a, b] = operands(command, addressOf);
    mailbox.setUint16(at + L.PROBE_ENTRY_OP, OPS[command.op], true);
    mailbox.setUint16(at + L.PROBE_ENTRY_WIDTH, ('width' in command && command.width) || 8, true);
    mailbox.setUint32(at + L.PROBE_ENTRY_STATUS, L.PROBE_STATUS_PENDING, true);
    mailbox.setBigUint64(at + L.PROBE_ENTRY_A, a, true);
    mailbox.setBigUint64(at + L.PROBE_ENTRY_B, b, true);
    mailbox.setBigUint64(at + L.PROBE_ENTRY_VALUE, 0n, true);
    mailbox.setBigUint64(at + L.PROBE_ENTRY_EXTRA, 0n, true);
    at += L.PROBE_ENTRY_SIZE;
  }
}

/**
 * Read the results of the batch that `commands` was encoded from.
 * @throws ProbeProtocolError if the guest did not finish the batch or wrote what no probe writes
 */
export function decodeBatch(mailbox: DataView, commands: readonly ProbeCommand[]): ProbeResult[] {
  const done = mailbox.getUint32(L.PROBE_MAILBOX_DONE, true);
  if (done !== commands.length) {
    throw new ProbeProtocolError(`the guest says it ran ${done} of ${commands.length} commands`);
  }
  return commands.map((command, i) =>
    decodeEntry(mailbox, L.PROBE_MAILBOX_ENTRIES + i * L.PROBE_ENTRY_SIZE, command, i),
  );
}

function decodeEntry(mailbox: DataView, at: number, command: ProbeCommand, i: number): ProbeResult {
  const status = mailbox.getUint32(at + L.PROBE_ENTRY_STATUS, true);
  if (status === L.PROBE_STATUS_OK) {
    const value = mailbox.getBigUint64(at + L.PROBE_ENTRY_VALUE, true);
    if (!HAS_EXTRA.has(command.op)) return { ok: true, value };
    return { ok: true, value, extra: mailbox.getBigUint64(at + L.PROBE_ENTRY_EXTRA, true) };
  }
  if (status === L.PROBE_STATUS_VMFAIL) {
    const error = mailbox.getBigUint64(at + L.PROBE_ENTRY_VALUE, true);
    throw new ProbeProtocolError(`command ${i} (${command.op}) failed with VM-instruction error ${error}`);
  }
  if (status !== L.PROBE_STATUS_FAULT) {
    throw new ProbeProtocolError(`command ${i} (${command.op}) ended with status ${status}`);
  }
  return {
    ok: false,
    fault: {
      vector: mailbox.getUint32(at + L.PROBE_ENTRY_VECTOR, true),
      errorCode: mailbox.getUint32(at + L.PROBE_ENTRY_ERROR_CODE, true),
      cr2: mailbox.getBigUint64(at + L.PROBE_ENTRY_CR2, true),
      rip: mailbox.getBigUint64(at + L.PROBE_ENTRY_RIP, true),
    },
  };
}
