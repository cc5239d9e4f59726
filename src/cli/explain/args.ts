import { InvalidArgumentError } from 'commander';
import { MEM_TYPES, type MemType } from '../../arch/memory-types.js';
import { MSR_BY_NAME } from '../../arch/msrs.js';
import { QUIRK_NAMES } from '../../arch/quirk-names.js';
import { PAGE_OFFSET } from '../../arch/units.js';
import type { FixedConfig, MsrWrite, MtrrConfig, VariableConfig } from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import { readSize } from '../options/numbers.js';
import { mask32 } from '../options/values.js';

/**
 * A number as people write addresses and sizes: decimal or 0x…, with K, M, G or T after it.
 *
 * @throws UsageError if it is none, or does not fit 64 bits
 */
export function parseNumber(text: string, what: string): bigint {
  const value = readSize(text);
  if (value === undefined)
    throw new UsageError(`${what} '${text}' is not a number such as 4096, 0xc00000 or 12M`);
  if (value >= 1n << 64n) throw new UsageError(`${what} '${text}' does not fit 64 bits`);
  return value;
}

function parseType(text: string, what: string): MemType {
  const type = MEM_TYPES.find((name) => name === text.toUpperCase());
  if (type === undefined) throw new UsageError(`${what}: '${text}' is not one of ${MEM_TYPES.join(', ')}`);
  return type;
}

const flag = (text: string | undefined, standard: boolean): boolean =>
  text === undefined ? standard : text === '1';

function parseDefault(text: string): NonNullable<MtrrConfig['def']> {
  const match = /^([a-z]+)((?:,(?:e|fe)=[01])*)$/i.exec(text);
  if (match === null) throw new UsageError(`--mtrr def=${text} is not like def=UC,e=1,fe=0`);
  const flags = new Map((match[2] ?? '').split(',').map((pair) => pair.split('=') as [string, string]));
  return {
    type: parseType(match[1] as string, '--mtrr def'),
    enabled: flag(flags.get('e'), true),
    fixedEnabled: flag(flags.get('fe'), false),
  };
}

/** TYPE@START+SIZE, or TYPE@START/MASK where `mask` is allowed. */
function parseSpan(
  text: string,
  name: string,
): { type: MemType; start: bigint; size?: bigint; mask?: bigint } {
  const match = /^([a-z]+)@(\w+)([+/])(\w+)$/i.exec(text);
  if (match === null) throw new UsageError(`--mtrr ${name}=${text} is not like ${name}=WB@0+16M`);
  const [, type, start, how, extent] = match as unknown as [string, string, string, string, string];
  return {
    type: parseType(type, `--mtrr ${name}`),
    start: parseNumber(start, `--mtrr ${name}: the start`),
    [how === '+' ? 'size' : 'mask']: parseNumber(
      extent,
      `--mtrr ${name}: the ${how === '+' ? 'size' : 'mask'}`,
    ),
  };
}

function parseFixed(text: string): FixedConfig {
  const { type, start, size } = parseSpan(text, 'fix');
  if (size === undefined) throw new UsageError(`--mtrr fix=${text} is not like fix=UC@0xa0000+128K`);
  return { type, start, size };
}

function parseVariable(index: string, text: string): VariableConfig {
  const { start, ...rest } = parseSpan(text, index);
  return { index: Number(index), base: start, ...rest };
}

/**
 * Put the values of --mtrr together: `def=TYPE[,e=0|1][,fe=0|1]`, `N=TYPE@BASE+SIZE`, `N=TYPE@BASE/MASK`,
 * `fix=TYPE@START+SIZE`.
 *
 * @throws UsageError for anything else
 */
export function parseMtrrs(specs: readonly string[]): MtrrConfig {
  let config: MtrrConfig = {};
  for (const spec of specs) {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/.exec(spec) ?? [];
    if (
      key === 'def' ? config.def !== undefined : config.variable?.some(({ index }) => key === String(index))
    )
      throw new UsageError(`--mtrr ${key} is given twice`);
    if (key === 'def') config = { ...config, def: parseDefault(value) };
    else if (key === 'fix') config = { ...config, fixed: [...(config.fixed ?? []), parseFixed(value)] };
    else if (/^\d+$/.test(key))
      config = { ...config, variable: [...(config.variable ?? []), parseVariable(key, value)] };
    else throw new UsageError(`--mtrr ${spec} is not like def=UC,e=1 or 0=WB@0+16M or fix=UC@0xa0000+128K`);
  }
  return config;
}

/** Put flags over a file: the default type and each variable range count more, fixed ranges come after those of the file. */
export function mergeMtrrs(file: MtrrConfig = {}, flags: MtrrConfig): MtrrConfig {
  const { variable = [], fixed = [] } = flags;
  const isTold = (index: number): boolean => variable.some((range) => range.index === index);
  return {
    ...file,
    ...flags,
    variable: [...(file.variable ?? []).filter(({ index }) => !isTold(index)), ...variable],
    fixed: [...(file.fixed ?? []), ...fixed],
  };
}

/**
 * The number of an MSR, or its name in the SDM, with IA32_ or without.
 *
 * @throws UsageError if it is neither
 */
export const parseMsrNumber =
  (what: string) =>
  (text: string): number => {
    const named = MSR_BY_NAME.get(text.toUpperCase().replace(/^(IA32|MSR)_/, ''));
    if (named !== undefined) return named;
    const number = parseNumber(text, what);
    if (number >= 1n << 32n)
      throw new UsageError(`${what}: 0x${number.toString(16)} is no MSR: they have 32 bits`);
    return Number(number);
  };

/**
 * An MSR write as `NUMBER=VALUE`.
 *
 * @throws UsageError if it is not one
 */
export function parseMsrWrite(text: string, option = '--msr'): MsrWrite {
  const [, msr, value] = /^([^=]+)=([^=]+)$/.exec(text) ?? [];
  if (msr === undefined || value === undefined)
    throw new UsageError(`${option} ${text} is not like 0x2ff=0xc06`);
  return {
    msr: parseMsrNumber(`${option}: the number`)(msr),
    value: parseNumber(value, `${option}: the value`),
  };
}

/**
 * Quirks: a mask, or their names with commas between them, with or without KVM_X86_QUIRK_.
 *
 * @throws InvalidArgumentError if it is neither
 */
export function parseQuirks(text: string): number {
  if (/^\d/.test(text)) return mask32(text);
  return text.split(',').reduce((mask, word) => {
    const name = word.trim().toUpperCase().replaceAll('-', '_').replace('KVM_X86_QUIRK_', '');
    const bit = QUIRK_NAMES.get(name);
    if (bit === undefined)
      throw new InvalidArgumentError(
        `a mask from 0 to 0xffffffff is needed, or names out of ${[...QUIRK_NAMES.keys()].join(', ').toLowerCase().replaceAll('_', '-')}.`,
      );
    return (mask | bit) >>> 0;
  }, 0);
}

/** A value that is told of one vCPU, or of all where none is named. */
export interface OfVcpu<T> {
  readonly vcpu: number | undefined;
  readonly value: T;
}

/** Take `cpu1:` before a value for the vCPU that it is of. */
export const ofVcpu =
  <T>(parse: (text: string) => T) =>
  (text: string): OfVcpu<T> => {
    const [, vcpu, rest = ''] = /^cpu(\d{1,4}):(.*)$/s.exec(text) ?? [];
    return vcpu === undefined
      ? { vcpu: undefined, value: parse(text) }
      : { vcpu: Number(vcpu), value: parse(rest) };
  };

/**
 * One page, or the frames from one address to another that is not among them: `0xa0000`, `1G..1T`.
 *
 * @throws UsageError if it is neither
 */
export function parseGpa(text: string): GpaSpan {
  const [first = '', last, ...more] = text.split('..');
  const start = parseNumber(first, '--gpa');
  if (last === undefined) return { start, end: undefined };
  const end = parseNumber(last, '--gpa');
  if (more.length > 0 || end <= start || ((start | end) & PAGE_OFFSET) !== 0n)
    throw new UsageError(
      `--gpa ${text} is not like 0..4G: the start of a page, and a later one that is not among them`,
    );
  return { start, end };
}

/** An address, or a span where it has an end. */
export interface GpaSpan {
  readonly start: bigint;
  readonly end: bigint | undefined;
}
