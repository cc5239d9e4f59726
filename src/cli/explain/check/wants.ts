import { MEM_TYPES } from '../../../arch/memory-types.js';
import { GFN_LIMIT, gfnOf, gpaOf, PAGE_OFFSET } from '../../../arch/units.js';
import { hex, type Want } from '../../../memtype/index.js';
import { UsageError } from '../../errors.js';
import { parseNumber } from '../args.js';
import { remains } from '../from/areas.js';

/**
 * A wanted type: `WB@1M+1G`, `UC@3G..4G` (the second address is not among them), or `UC` for all that no other tells.
 *
 * @throws UsageError if it is none
 */
export function parseWant(text: string): Want {
  const [, name = '', first, how, second] = /^([a-z]+)(?:@(\w+)(\+|\.\.)(\w+))?$/i.exec(text) ?? [];
  const type = MEM_TYPES.find((known) => known === name.toUpperCase());
  if (type === undefined)
    throw new UsageError(
      `--want ${text} is not like WB@1M+1G, UC@3G..4G or UC, with one of ${MEM_TYPES.join(', ')}`,
    );
  if (first === undefined || second === undefined) return { type, start: 0, end: GFN_LIMIT };
  const start = parseNumber(first, '--want: the start');
  const other = parseNumber(second, `--want: the ${how === '+' ? 'size' : 'end'}`);
  const end = how === '+' ? start + other : other;
  if (end <= start || ((start | end) & PAGE_OFFSET) !== 0n || end > 1n << 52n)
    throw new UsageError(`--want ${text}: it must be made of whole pages, at least one`);
  return { type, start: gfnOf(start), end: gfnOf(end) };
}

const isOfAll = ({ start, end }: Want): boolean => start === 0 && end === GFN_LIMIT;

function textOf(want: Want): string {
  const { type = '', start, end } = want;
  return isOfAll(want) ? type : `${type}@${hex(gpaOf(start))}..${hex(gpaOf(end))}`;
}

/**
 * What is wanted, in the order in which it counts: that of all memory first, then each part over those before it.
 *
 * @throws UsageError if nothing is left of a want where those after it have other types
 */
export function sortWants(wants: readonly Want[]): Want[] {
  const sorted = [...wants.filter(isOfAll), ...wants.filter((want) => !isOfAll(want))];
  sorted.forEach((want, i) => {
    const others = sorted.slice(i + 1).filter(({ type }) => type !== want.type);
    if (remains(want, others).length === 0)
      throw new UsageError(`--want ${textOf(want)} contradicts what comes after it: nothing is left of it`);
  });
  return sorted;
}
