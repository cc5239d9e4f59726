import type { MemType } from '../../arch/memory-types.js';
import { gpaOf, type Level } from '../../arch/units.js';
import {
  type ArchExplanation,
  type ArchType,
  ERRATA,
  type Explanation,
  type MapEntry,
  type MappedRange,
  type Rule,
  type Situation,
} from '../../memtype/index.js';
import { textTable } from '../../text/table.js';

/** All that is told about one page. */
export interface PageExplanation {
  readonly gpa: bigint;
  /** What was taken for granted about the kernel; undefined if nothing was. */
  readonly assumed: string | undefined;
  readonly situation: Situation;
  readonly explanation: Explanation;
  readonly arch: ArchExplanation;
  /** Policies by outcome. */
  readonly others: readonly (readonly Explanation[])[];
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const addressOf = (gfn: number): string => hex(gpaOf(gfn));

const table = (rows: readonly (readonly string[])[]): string[] => textTable(rows).trimEnd().split('\n');

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

const rules = (why: readonly Rule[]): string[] =>
  why.flatMap(({ text, source }, i) => [`${i + 1}. ${text}`, `   (${source})`]);

const ept = ({ type, ipat }: Pick<Explanation, 'type' | 'ipat'>): string =>
  type === 'none' ? 'no type' : `${type}, IPAT ${ipat ? 1 : 0}`;

function errataOf(explanation: Explanation): string[] {
  const known = explanation.errata.flatMap((id) => ERRATA.get(id) ?? []);
  return known.flatMap(({ id, title, kernels, source }) => [
    `erratum ${id} (${kernels}): ${title}`,
    `   (${source})`,
  ]);
}

const SIZES: Record<Level, string> = { 1: '4K', 2: '2M', 3: '1G' };

/** The SDM promises a type, and this is another one. */
const contradicts = (sdm: ArchType, effective: MemType): boolean => sdm !== 'undefined' && sdm !== effective;

function sdmText(sdm: ArchType, effective: MemType): string {
  if (sdm === 'undefined') return 'undefined: it promises no type here';
  return contradicts(sdm, effective) ? `${sdm}: not what this kernel gives` : sdm;
}

/** What was asked for that some kernels answer EINVAL to, with their policies. */
function refusedText(explanations: readonly Explanation[]): string[] {
  const refused = [...new Set(explanations.flatMap(({ refuses }) => refuses))];
  if (refused.length === 0) return [];
  const refusing = (what: string): string =>
    explanations
      .filter(({ refuses }) => refuses.includes(what))
      .map(({ policy }) => policy.name)
      .join(', ');
  const lines = refused.map((what) => `${what} is EINVAL, and the answer as if not asked: ${refusing(what)}`);
  return ['', 'not taken by every kernel', ...indent(lines)];
}

/** Explain one page to a person. */
export function pageText({ gpa, assumed, situation, explanation, arch, others }: PageExplanation): string {
  const { policy } = explanation;
  const entry = situation.patEntry === undefined ? 'paging off' : `entry ${situation.patEntry}`;
  const outcomes = others.map((group) => [
    ept(group[0] as Explanation),
    `effective ${(group[0] as Explanation).effective}`,
    group.map(({ policy }) => policy.name).join(', '),
  ]);
  const errata = errataOf(explanation);
  return [
    `gpa ${hex(gpa)}, policy ${policy.name}: ${policy.title} (${policy.kernels})`,
    ...(assumed === undefined ? [] : [`assumed: ${assumed}`]),
    '',
    ...indent(
      table([
        ['EPT', ept(explanation)],
        ['PAT', `${arch.pat} (${entry})`],
        ['effective', explanation.effective],
        ['largest leaf', SIZES[explanation.maxLevel]],
        ['SDM', sdmText(arch.effective, explanation.effective)],
      ]),
    ),
    '',
    'why',
    ...indent(rules(explanation.why)),
    ...(errata.length === 0 ? [] : ['', ...errata]),
    '',
    `by the SDM, without KVM: MTRR type ${arch.mtrr}, effective ${arch.effective}`,
    ...indent(rules(arch.why)),
    '',
    'policies',
    ...indent(table(outcomes)),
    ...refusedText(others.flat()),
    '',
  ].join('\n');
}

/** A page's explanation as plain data. */
export function pageJson({ gpa, assumed, explanation, arch, others }: PageExplanation): object {
  const plain = ({ policy, type, ipat, effective, maxLevel, errata, refuses }: Explanation): object => ({
    policy: policy.name,
    type,
    ipat,
    effective,
    maxLevel,
    errata,
    refuses,
  });
  return {
    gpa: hex(gpa),
    ...(assumed === undefined ? {} : { assumed }),
    ...plain(explanation),
    why: explanation.why,
    sdm: arch,
    policies: others.flat().map(plain),
  };
}

const size = (frames: number): string => {
  const units: [number, string][] = [
    [2 ** 28, 'T'],
    [2 ** 18, 'G'],
    [2 ** 8, 'M'],
  ];
  const [unit, name] = units.find(([step]) => frames % step === 0) ?? [1 / 4, 'K'];
  return `${frames / unit}${name}`;
};

/** The guest-physical map as a table of ranges. */
export function mapText(ranges: readonly MappedRange<MapEntry>[]): string {
  const rows = ranges.map(({ start, end, value }) => [
    addressOf(start),
    hex(gpaOf(end) - 1n),
    size(end - start),
    ept(value),
    value.effective,
    contradicts(value.arch, value.effective) ? `${value.arch} *` : value.arch,
  ]);
  const differs = ranges.some(({ value }) => contradicts(value.arch, value.effective));
  const lines = table([['start', 'end', 'size', 'EPT', 'effective', 'SDM'], ...rows]);
  return `${[...lines, ...(differs ? ['', '* not what this kernel gives'] : [])].join('\n')}\n`;
}

/** The map as plain data. */
export function mapJson(ranges: readonly MappedRange<MapEntry>[]): object[] {
  return ranges.map(({ start, end, value }) => ({ start: addressOf(start), end: addressOf(end), ...value }));
}
