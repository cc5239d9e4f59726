import { mtree } from '../../../dumps/parsers/mtree.js';
import { DumpError, readDump } from '../../../dumps/read.js';
import { classifyMsr } from '../../../memtype/index.js';
import { readInput } from '../../../process/read-file.js';
import { UsageError } from '../../errors.js';
import type { GuestFacts } from '../state.js';
import { type Area, areaOf, distinctAreas, slotsOf } from './areas.js';
import { echoJson, echoText, type NamedDump } from './echo.js';
import { withUses } from './flat-view.js';
import { addressBits, registersOf, type Told } from './registers.js';

/** What files tell of a guest. */
export interface FromFiles {
  readonly facts: GuestFacts;
  /** What was read, for people and for programs, with more that is taken for granted. */
  readonly text: (more?: readonly string[]) => string;
  readonly json: (more?: readonly string[]) => object;
}

/** Whether a fact is of the MTRRs. */
function isMtrr({ fact }: Told): boolean {
  if (fact.what !== 'msr') return ['default', 'enabled', 'fixed', 'range'].includes(fact.what);
  const kind = classifyMsr(fact.msr)?.kind;
  return kind !== undefined && kind !== 'pat' && kind !== 'cap';
}

const NO_SLOT = 'what these files do not call RAM, ROM or a BAR is in no memslot: --slot adds one';

const LIMIT = { limit: 2 ** 24, why: 'the most for a log or list' };
const STANDARD_BITS = 40;
/** KVM_MAX_VCPUS of 7.3, and more areas than any machine has. */
const MOST_CPUS = 4096;
const MOST_AREAS = 4096;

async function readOne(path: string): Promise<NamedDump> {
  const isInput = path === '-';
  const name = isInput ? 'stdin' : path;
  const text = (await readInput(isInput ? '/dev/stdin' : path, LIMIT)).toString();
  try {
    return { name, dump: readDump(text) };
  } catch (error) {
    if (error instanceof DumpError) throw new UsageError(`${name}: ${error.message}`);
    throw error;
  }
}

function areasOf(told: readonly Told[]): Area[] {
  const areas = told.flatMap(({ fact, format }): Area[] => {
    const area = fact.what === 'area' ? areaOf(fact) : undefined;
    if (area === undefined) return [];
    return [format === mtree.name ? { ...area, use: 'told' } : area];
  });
  if (areas.length > MOST_AREAS)
    throw new UsageError(`the files name more than ${MOST_AREAS} areas of memory`);
  return distinctAreas(withUses(areas));
}

/**
 * Read a guest's state out of logs and lists, in any mix; `-` is standard input.
 *
 * @param maxphyaddr the guest's physical-address bits, where they are told otherwise
 * @throws InputFileError if a file cannot be read, UsageError if what it tells cannot be
 */
export async function readFrom(paths: readonly string[], maxphyaddr: number | undefined): Promise<FromFiles> {
  if (paths.filter((path) => path === '-').length > 1)
    throw new UsageError('--from - is given twice: standard input can be read once');
  const dumps: NamedDump[] = [];
  for (const path of paths) dumps.push(await readOne(path));
  const told = dumps.flatMap(({ name, dump }) =>
    dump.known.flatMap(({ line, format, facts }) =>
      facts.map((fact): Told => ({ where: `${name}:${line}`, format, fact })),
    ),
  );
  const strange = told.find(({ fact }) => 'cpu' in fact && (fact.cpu ?? 0) >= MOST_CPUS);
  if (strange !== undefined) throw new UsageError(`${strange.where}: no guest has so many CPUs`);
  const guessed = maxphyaddr === undefined ? addressBits(told) : undefined;
  const bits = maxphyaddr ?? guessed?.bits;
  const { common, vcpus, notes } = registersOf(told, bits ?? STANDARD_BITS);
  const areas = areasOf(told);
  const slots = slotsOf(areas);
  const all = [
    ...(guessed?.note === undefined ? [] : [guessed.note]),
    ...(slots.length > 0 ? [NO_SLOT] : []),
    ...notes,
  ];
  return {
    facts: {
      ...common,
      vcpus,
      ...(bits === undefined ? {} : { maxphyaddr: bits }),
      ...(told.some(isMtrr) ? { hasReadMtrrs: true } : {}),
      ...(slots.length > 0 ? { slots } : {}),
      ...(areas.length > 0 ? { areas } : {}),
    },
    text: (more = []) => echoText(dumps, [...all, ...more]),
    json: (more = []) => echoJson(dumps, [...all, ...more]),
  };
}
