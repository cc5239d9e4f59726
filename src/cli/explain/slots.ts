import { PAT_TYPES, type PatType } from '../../arch/memory-types.js';
import { gfnOf, PAGE_OFFSET } from '../../arch/units.js';
import { BACKING_NAMES, type BackingName, type Slot } from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import { parseNumber } from './args.js';

/** What a slot is beside its name and place. */
interface Traits {
  kind: BackingName;
  host?: PatType;
  readOnly: boolean;
  flagged: boolean;
}

/** Take one word behind the place of a slot; false if it is none. */
function takeTrait(traits: Traits, word: string): boolean {
  const kind = BACKING_NAMES.find((name) => name === word);
  const host = PAT_TYPES.find((type) => `host=${type}` === word);
  if (kind !== undefined) traits.kind = kind;
  else if (host !== undefined) traits.host = host;
  else if (word === 'ro') traits.readOnly = true;
  else if (word === 'flag') traits.flagged = true;
  else return false;
  return true;
}

/**
 * A memslot as `NAME=GPA+SIZE[,kind][,host=TYPE][,ro][,flag]`.
 *
 * @throws UsageError if it is none
 */
export function parseSlot(text: string): Slot {
  const [, name, start, length, rest = ''] = /^([\w.:@-]{1,40})=(\w+)\+(\w+)((?:,[^,]+)*)$/.exec(text) ?? [];
  if (name === undefined || start === undefined || length === undefined)
    throw new UsageError(`--slot ${text} is not like ram=0+2G or bar0=0xfe000000+16M,pci-bar`);
  const gpa = parseNumber(start, `--slot ${name}: the start`);
  const size = parseNumber(length, `--slot ${name}: the size`);
  if (size === 0n || ((gpa | size) & PAGE_OFFSET) !== 0n || gpa + size > 1n << 52n)
    throw new UsageError(`--slot ${name}: start and size are whole pages below 2^52, and the size is not 0`);
  const traits: Traits = { kind: 'ram', readOnly: false, flagged: false };
  for (const word of rest.split(',').slice(1))
    if (!takeTrait(traits, word))
      throw new UsageError(
        `--slot ${name}: '${word}' is none of ${BACKING_NAMES.join(', ')}, host=TYPE (the type of the host's mapping), ro and flag`,
      );
  const { kind, host, ...flags } = traits;
  return { name, start: gfnOf(gpa), end: gfnOf(gpa + size), backing: { kind, host }, ...flags };
}
