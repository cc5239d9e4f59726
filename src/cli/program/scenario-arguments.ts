import { isDeepStrictEqual } from 'node:util';
import { readInput } from '../../process/read-file.js';
import { type ScenarioSource, stepLines } from '../../scenario/file/lines.js';
import { parseScenario, ScenarioFileError } from '../../scenario/file/parse.js';
import type { Scenario } from '../../scenario/types.js';
import { UsageError } from '../errors.js';

/** What the arguments of `run` mean. */
export interface ScenarioArguments {
  /** The catalogue, and after it what files hold. */
  all: readonly Scenario[];
  /** The arguments, with the name of its scenario for each file. */
  patterns: readonly string[];
  /** The argument that names a scenario again: its file, where it came from one. */
  argumentOf: (name: string) => string;
  /** Where those that were read from files stand, by name. */
  sources: Readonly<Record<string, ScenarioSource>>;
}

const STDIN = '-';
const LIMIT = { limit: 2 ** 24, why: 'the most for a scenario' };

const isFile = (argument: string): boolean => argument === STDIN || argument.endsWith('.json');
const titleOf = (argument: string): string => (argument === STDIN ? 'standard input' : argument);

async function readScenario(argument: string): Promise<{ scenario: Scenario; lines: readonly number[] }> {
  const bytes = await readInput(argument === STDIN ? '/dev/stdin' : argument, LIMIT);
  try {
    const text = bytes.toString();
    return { scenario: parseScenario(text), lines: stepLines(text) };
  } catch (error) {
    if (!(error instanceof ScenarioFileError)) throw error;
    throw new ScenarioFileError(`${titleOf(argument)}: ${error.message}`);
  }
}

/** The scenario of the catalogue that a file repeats, such as an exported one; undefined if its name is new. */
function sameInCatalogue(
  scenario: Scenario,
  file: string,
  catalogue: readonly Scenario[],
): Scenario | undefined {
  const known = catalogue.find(({ name }) => name === scenario.name);
  if (known === undefined || isDeepStrictEqual(known, scenario)) return known;
  throw new UsageError(
    `${titleOf(file)}: the catalogue has another ${scenario.name}: give this one a name of its own`,
  );
}

/**
 * Read the files among the arguments of `run`: what ends in .json, and `-` for standard input.
 *
 * @throws InputFileError, ScenarioFileError if a file is none; UsageError if two scenarios have one name
 */
export async function readArguments(
  args: readonly string[],
  catalogue: readonly Scenario[],
): Promise<ScenarioArguments> {
  const sources: Record<string, ScenarioSource> = {};
  const own: Scenario[] = [];
  const patterns: string[] = [];
  for (const argument of args) {
    if (!isFile(argument)) {
      patterns.push(argument);
      continue;
    }
    const { scenario, lines } = await readScenario(argument);
    const { name } = scenario;
    const other = sources[name]?.file;
    if (other !== undefined)
      throw new UsageError(`${titleOf(other)} and ${titleOf(argument)} both hold ${name}: leave one out`);
    sources[name] = { file: argument, lines };
    patterns.push(name);
    if (sameInCatalogue(scenario, argument, catalogue) === undefined) own.push(scenario);
  }
  const argumentOf = (name: string): string => sources[name]?.file ?? name;
  return { all: [...catalogue, ...own], patterns, argumentOf, sources };
}
