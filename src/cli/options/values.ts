import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { GIB, MIB, PAGE_SIZE } from '../../arch/units.js';
import { safeLine } from '../../text/safe.js';
import { readSize, readWhole } from './numbers.js';

// One parser for each kind of value. All throw InvalidArgumentError, so that a wrong value is told before anything runs.

type Parser<T> = (text: string) => T;

/** Seconds that a timer can hold: setTimeout() counts milliseconds in 31 bits and fires at once beyond them. */
const MOST_SECONDS = Math.floor((2 ** 31 - 1) / 1000);
const UINT32 = 2 ** 32 - 1;
/** KVM's modules, and those that give a device to a guest: all that has a say in memory types. */
const MODULES = ['kvm', 'kvm_intel', 'kvm_amd', 'vfio', 'vfio_pci', 'vfio_iommu_type1'];

/** A whole number, decimal or 0x…, from `least` to `most`. */
export function whole(least: number, most: number): Parser<number> {
  return (text) => {
    const value = Number(readWhole(text) ?? Number.NaN);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed.`);
  };
}

/** A time limit in seconds. */
export const seconds: Parser<number> = whole(1, MOST_SECONDS);

/** How often everything may be run: all results, and the recordings they stand on, are kept until the end. */
export const MOST_REPEATS = 1000;

/** A number that the kernel keeps in an unsigned int, but not 0. */
export const uint32: Parser<number> = whole(1, UINT32);

/** A KVM_MEM_ flag by its bit: 0 and 1 have been taken for good. */
export const memslotFlag: Parser<number> = (text) => 2 ** whole(2, 31)(text);

/** A set of bits in 32, as people write masks: decimal or 0x…. */
export const mask32: Parser<number> = (text) => {
  const value = readWhole(text);
  if (value !== undefined && value <= UINT32) return Number(value);
  throw new InvalidArgumentError('a mask from 0 to 0xffffffff is needed.');
};

const sizeText = (bytes: number): string => (bytes % GIB === 0 ? `${bytes / GIB}G` : `${bytes / MIB}M`);

/**
 * A size in bytes, from `least` to `most` and a multiple of `step`: a number with K, M or G after it, or a plain number of
 * MiB.
 */
export function size(least: number, most: number, step = PAGE_SIZE): Parser<number> {
  return (text) => {
    const bytes = Number(readSize(text, 'M') ?? Number.NaN);
    if (bytes >= least && bytes <= most && bytes % step === 0) return bytes;
    const range = `a size from ${sizeText(least)} to ${sizeText(most)}`;
    throw new InvalidArgumentError(
      `${range} is needed, in whole ${step === PAGE_SIZE ? 'pages of 4K' : sizeText(step)}: 256M, 1G, or 256 for MiB.`,
    );
  };
}

/** Several values with commas between them. */
export const list =
  <T>(parse: Parser<T>): Parser<T[]> =>
  (text) =>
    text.split(',').map(parse);

/** A PCI function with its domain. */
export const pciAddress: Parser<string> = (text) => {
  if (/^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/.test(text)) return text;
  throw new InvalidArgumentError('a PCI address such as 0000:00:02.0 is needed.');
};

/** A part of the whole, as i/n. */
export const shard: Parser<readonly [index: number, count: number]> = (text) => {
  const [i, n] = /^\d+\/\d+$/.test(text) ? text.split('/').map(Number) : [];
  if (i !== undefined && n !== undefined && i >= 1 && i <= n) return [i, n];
  throw new InvalidArgumentError('i/n with 1 <= i <= n is needed.');
};

/** A parameter for one of KVM's modules, as it goes onto the kernel's command line: nothing else may get there. */
export const moduleParameter: Parser<string> = (text) => {
  const match = /^([a-z0-9_]+)\.[a-zA-Z0-9_]+=(.+)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError('module.name=value is needed, as in kvm.tdp_mmu=N.');
  const [, module, value] = match as unknown as [string, string, string];
  if (!MODULES.includes(module))
    throw new InvalidArgumentError(`the module is one of ${MODULES.join(', ')}.`);
  if (!/^[\x21\x23-\x7e]+$/.test(value))
    throw new InvalidArgumentError('the value is of ASCII without blanks, quotes and control characters.');
  return text;
};

/** Why a file cannot be read, by errno. */
const UNREADABLE: Record<string, string> = {
  EACCES: 'no permission to read it',
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is not a folder',
};

/** A file to be read, that is there. What is in it is for its reader to judge. */
export const existingFile: Parser<string> = (path) => {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new InvalidArgumentError(`${UNREADABLE[code] ?? message}.`);
  }
  if (statSync(path).isDirectory()) throw new InvalidArgumentError('it is a folder.');
  return path;
};

/** What is watched: it may be gone for a while later on, but a name that is mistyped is told. */
export const watched: Parser<string> = (path) => {
  if (existsSync(path)) return path;
  throw new InvalidArgumentError('there is no such file or folder.');
};

/** A kernel to run on: an image that is there, or `debian:<version>`. */
export const kernel: Parser<string> = (text) => {
  if (/^debian:\d+\.\d+$/.test(text)) return text;
  if (text !== '' && !text.startsWith('debian:')) return existingFile(text);
  throw new InvalidArgumentError('the path of a bzImage, or debian:<version>, is needed.');
};

/** Most characters of a label: it stands before every test's name. */
const MOST_LABEL = 100;

/** What the user calls something in results: it becomes part of the names of tests. */
export const label: Parser<string> = (text) => {
  if (safeLine(text) === text && text.trim() !== '' && text.length <= MOST_LABEL) return text;
  throw new InvalidArgumentError(`one line of 1 to ${MOST_LABEL} characters is needed.`);
};

/** The name of a file to be written. */
export const outputFile: Parser<string> = (path) => {
  if (path === '') throw new InvalidArgumentError('the name of a file is needed.');
  return path;
};

/** The name of a folder that files are to be written into. */
export const outputFolder: Parser<string> = (path) => {
  if (path === '') throw new InvalidArgumentError('the name of a folder is needed.');
  return path;
};

/** Give a command an option that takes a value and may be given several times; it is a list, empty if never given. */
export function addRepeatable<T>(
  command: Command,
  flags: string,
  description: string,
  parse: Parser<T>,
): Command {
  const option = new Option(flags, `${description} (repeatable)`).argParser((text: string, before: T[]) => [
    ...before,
    parse(text),
  ]);
  // A default would stand in the help, as `(default: [])`.
  return command.addOption(option).setOptionValue(option.attributeName(), []);
}
