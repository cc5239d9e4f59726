import type { MemType } from '../../arch/memory-types.js';
import type { Level } from '../../arch/units.js';
import {
  type ArchExplanation,
  type ArchType,
  ERRATA,
  type Explanation,
  type FirstTouch,
  type Rule,
  type Situation,
  type Slot,
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
  /** The memslot of the page, where slots are told. */
  readonly slot: Slot | undefined;
  /** vCPUs with registers of their own, each with what the page becomes if it comes first. */
  readonly touches: readonly GroupTouch[];
}

/** vCPUs that are alike, and what becomes of a page that one of them touches first. */
interface GroupTouch extends FirstTouch {
  /** `vCPU 0`, `vCPUs 1-3`. */
  readonly who: string;
}

export const hex = (value: bigint): string => `0x${value.toString(16)}`;

export const table = (rows: readonly (readonly string[])[]): string[] =>
  textTable(rows).trimEnd().split('\n');

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

const rules = (why: readonly Rule[]): string[] =>
  why.flatMap(({ text, source }, i) => [`${i + 1}. ${text}`, `   (${source})`]);

export const ept = ({ type, ipat }: Pick<Explanation, 'type' | 'ipat'>): string =>
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
export const contradicts = (sdm: ArchType, effective: MemType): boolean =>
  sdm !== 'undefined' && sdm !== effective;

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

/** What differs by the vCPU that comes first; nothing where none does. */
function touchText(touches: readonly GroupTouch[]): string[] {
  const outcome = ({ made, effective }: FirstTouch): string => [ept(made), ...effective].join();
  const all = new Set(touches.flatMap((touch) => [outcome(touch), ...touch.effective]));
  if (touches.length < 2 || all.size <= 2) return [];
  const leaves = new Set(touches.map(({ made }) => ept(made)));
  const head = ['first to touch it', 'EPT', ...touches.map(({ who }) => `effective of ${who}`)];
  const rows = touches.map(({ who, made, effective }) => [who, ept(made), ...effective]);
  const why =
    leaves.size > 1 ? 'the vCPUs share one leaf: the first to touch the page decides' : 'the vCPUs differ';
  return ['', why, ...indent(table([head, ...rows]))];
}

/** Explain one page to a person. */
export function pageText(page: PageExplanation): string {
  const { gpa, assumed, situation, explanation, arch, others, slot, touches } = page;
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
    ...(slot === undefined
      ? []
      : [`slot ${slot.name}: ${slot.backing.kind}${slot.readOnly ? ', read-only' : ''}`]),
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
    ...touchText(touches),
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
export function pageJson(page: PageExplanation): object {
  const { gpa, assumed, explanation, arch, others, slot, touches } = page;
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
    ...(slot === undefined ? {} : { slot: slot.name }),
    ...plain(explanation),
    why: explanation.why,
    sdm: arch,
    policies: others.flat().map(plain),
    ...(touches.length < 2
      ? {}
      : {
          first: touches.map(({ who, made: { type, ipat }, effective }) => ({
            who,
            type,
            ipat,
            effective: Object.fromEntries(effective.map((t, i) => [(touches[i] as GroupTouch).who, t])),
          })),
        }),
  };
}
