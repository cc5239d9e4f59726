import type { MemType } from '../arch/memory-types.js';

/** What a stretch of physical memory is, as far as a dump tells. */
export type AreaKind = 'ram' | 'rom' | 'dax' | 'reserved' | 'bar' | 'device';

/** One thing that a line of a dump tells of a machine. */
export type Fact =
  | { readonly what: 'msr'; readonly cpu: number | undefined; readonly msr: number; readonly value: bigint }
  | { readonly what: 'default'; readonly type: MemType }
  | { readonly what: 'enabled'; readonly ranges: 'variable' | 'fixed'; readonly on: boolean }
  | { readonly what: 'fixed'; readonly type: MemType; readonly start: bigint; readonly size: bigint }
  | {
      readonly what: 'range';
      readonly index: number;
      readonly type: MemType;
      readonly base: bigint;
      readonly size: bigint;
    }
  | { readonly what: 'cr0'; readonly cpu: number | undefined; readonly value: bigint }
  | { readonly what: 'address-bits'; readonly bits: number }
  | {
      readonly what: 'area';
      readonly kind: AreaKind;
      readonly name: string;
      readonly start: bigint;
      /** The first address that is not part of it. */
      readonly end: bigint;
    };

/** What the lines of one dump have in common. */
export interface DumpContext {
  /** The processor that the last heading named. */
  cpu: number | undefined;
}

/** A line is of a format, but it cannot be used. */
export interface Misfit {
  readonly why: string;
}

/**
 * Read one line: what it tells, nothing where it belongs to the format but tells nothing, or why it cannot be used; undefined if it
 * is of another format.
 */
type ReadLine = (line: string) => readonly Fact[] | Misfit | undefined;

/** A format of dumps. */
export interface DumpFormat {
  readonly name: string;
  readonly start: (context: DumpContext) => ReadLine;
}

/** An area from its first address to its last, or that it is none. */
export const areaFrom = (kind: AreaKind, name: string, start: bigint, last: bigint): Fact[] | Misfit =>
  last < start ? { why: 'it ends before it begins' } : [{ what: 'area', kind, name, start, end: last + 1n }];

/** A hexadecimal number without 0x, as most dumps print addresses. */
export const hexOf = (digits: string): bigint => BigInt(`0x${digits.replace(/^0x/i, '')}`);
