import { type Fields, readU8s, readU64s, struct, viewOf } from './bytes.js';

const REGS = [
  ...(['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rsp', 'rbp'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip', 'rflags'] as const),
] as const;

/** General registers (struct kvm_regs). */
export type Regs = Record<(typeof REGS)[number], bigint>;

/** Size of struct kvm_regs, bytes. */
export const REGS_SIZE = 8 * REGS.length;

/** @internal */
export function decodeRegs(bytes: Uint8Array): Regs {
  return readU64s(viewOf(bytes), 0, REGS);
}

/** @internal */
export function encodeRegs(regs: Regs): Uint8Array {
  return struct(REGS_SIZE, (put) => put.u64s(0, REGS, regs));
}

const SEGMENT_BITS = ['type', 'present', 'dpl', 'db', 's', 'l', 'g', 'avl', 'unusable'] as const;

/** A segment register with its hidden part (struct kvm_segment). */
export interface Segment extends Record<(typeof SEGMENT_BITS)[number], number> {
  base: bigint;
  limit: number;
  selector: number;
}

/** GDTR or IDTR (struct kvm_dtable). */
export interface DescriptorTable {
  base: bigint;
  limit: number;
}

const SEGMENTS = ['cs', 'ds', 'es', 'fs', 'gs', 'ss', 'tr', 'ldt'] as const;
const TABLES = ['gdt', 'idt'] as const;
const CONTROLS = ['cr0', 'cr2', 'cr3', 'cr4', 'cr8', 'efer', 'apicBase'] as const;
const SEGMENT_SIZE = 24;
const TABLE_SIZE = 16;
const TABLES_AT = SEGMENTS.length * SEGMENT_SIZE;
const CONTROLS_AT = TABLES_AT + TABLES.length * TABLE_SIZE;
const INTERRUPTS_AT = CONTROLS_AT + 8 * CONTROLS.length;
const INTERRUPT_WORDS = 4;

/** Special registers (struct kvm_sregs). */
export interface Sregs
  extends Record<(typeof SEGMENTS)[number], Segment>,
    Record<(typeof TABLES)[number], DescriptorTable>,
    Record<(typeof CONTROLS)[number], bigint> {
  /** 256 bits: the interrupt that is being injected, if any. */
  interruptBitmap: bigint[];
}

/** Size of struct kvm_sregs, bytes. */
export const SREGS_SIZE = INTERRUPTS_AT + 8 * INTERRUPT_WORDS;

function readSegment(view: DataView, at: number): Segment {
  return {
    base: view.getBigUint64(at, true),
    limit: view.getUint32(at + 8, true),
    selector: view.getUint16(at + 12, true),
    ...readU8s(view, at + 14, SEGMENT_BITS),
  };
}

function putSegment(put: Fields, at: number, segment: Segment): void {
  put.u64(at, segment.base, 'base');
  put.u32(at + 8, segment.limit, 'limit');
  put.u16(at + 12, segment.selector, 'selector');
  put.u8s(at + 14, SEGMENT_BITS, segment);
}

/** @internal */
export function decodeSregs(bytes: Uint8Array): Sregs {
  const view = viewOf(bytes);
  const sregs = readU64s(view, CONTROLS_AT, CONTROLS) as Sregs;
  SEGMENTS.forEach((name, i) => {
    sregs[name] = readSegment(view, i * SEGMENT_SIZE);
  });
  TABLES.forEach((name, i) => {
    const at = TABLES_AT + i * TABLE_SIZE;
    sregs[name] = { base: view.getBigUint64(at, true), limit: view.getUint16(at + 8, true) };
  });
  sregs.interruptBitmap = Array.from({ length: INTERRUPT_WORDS }, (_, i) =>
    view.getBigUint64(INTERRUPTS_AT + 8 * i, true),
  );
  return sregs;
}

/** @internal */
export function encodeSregs(sregs: Sregs): Uint8Array {
  return struct(SREGS_SIZE, (put) => {
    SEGMENTS.forEach((name, i) => {
      putSegment(put, i * SEGMENT_SIZE, sregs[name]);
    });
    TABLES.forEach((name, i) => {
      const at = TABLES_AT + i * TABLE_SIZE;
      put.u64(at, sregs[name].base, 'base');
      put.u16(at + 8, sregs[name].limit, 'limit');
    });
    put.u64s(CONTROLS_AT, CONTROLS, sregs);
    for (let i = 0; i < INTERRUPT_WORDS; i++) {
      put.u64(INTERRUPTS_AT + 8 * i, sregs.interruptBitmap[i] ?? 0n, 'interruptBitmap');
    }
  });
}

const DEBUG_REGS = ['dr0', 'dr1', 'dr2', 'dr3', 'dr6', 'dr7', 'flags'] as const;

/** Debug registers (struct kvm_debugregs). */
export type DebugRegs = Record<(typeof DEBUG_REGS)[number], bigint>;

/** Size of struct kvm_debugregs, bytes. */
export const DEBUG_REGS_SIZE = 128;

/** @internal */
export const decodeDebugRegs = (bytes: Uint8Array): DebugRegs => readU64s(viewOf(bytes), 0, DEBUG_REGS);

/** @internal */
export const encodeDebugRegs = (regs: DebugRegs): Uint8Array =>
  struct(DEBUG_REGS_SIZE, (put) => put.u64s(0, DEBUG_REGS, regs));
