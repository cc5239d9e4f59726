import { type Explanation, makersOfEntry, type SpteReading } from '../../memtype/index.js';
import { textTable } from '../../text/table.js';

/** An entry, and what the policy makes of the page in question, if there is one. */
export interface SpteQuestion {
  readonly spte: bigint;
  readonly reading: SpteReading;
  readonly page: { readonly gpa: bigint; readonly explanation: Explanation } | undefined;
}

type LayoutReading = SpteReading['layouts'][number];

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const bit = (isSet: boolean): number => (isSet ? 1 : 0);
const table = (rows: readonly (readonly string[])[]): string[] =>
  textTable(rows)
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);

function processorText({ misconfigured, r, w, x }: SpteReading): string {
  if (misconfigured.length > 0)
    return `EPT misconfiguration: ${misconfigured.map(({ text }) => text).join(', and ')}`;
  if (!(r || w || x)) return 'not present: an EPT violation at each access';
  if (x && !r) return 'executable only: a misconfiguration on a processor without that';
  return 'mapped';
}

function kindText({ kind, layout: { present } }: LayoutReading, spte: bigint): string {
  if (kind !== 'none') return kind;
  const isClear = present !== undefined && (spte & present) === 0n;
  return `no entry of its making: ${isClear ? 'bit 11 (MMU-present) is clear' : 'it permits nothing'}`;
}

function layoutText(reading: LayoutReading, spte: bigint): string {
  const { bits, unknown } = reading;
  const strange = unknown.length === 0 ? [] : [`no meaning: bit ${unknown.join(', ')}`];
  return [kindText(reading, spte), ...bits, ...strange].join('; ');
}

/** Whether KVM makes such a leaf, in a sentence. */
function makers({ reading, page }: SpteQuestion): { policies: string[]; sentence: string } {
  const { isLeaf, maps, type, ipat, misconfigured } = reading;
  if (!maps) return { policies: [], sentence: 'It maps nothing: no memory type is in it.' };
  if (!isLeaf) return { policies: [], sentence: 'It leads to a table: no memory type is in it.' };
  if (type === undefined || misconfigured.length > 0)
    return { policies: [], sentence: 'No policy makes such a leaf: it is no mapping.' };
  const policies = makersOfEntry(reading).map(({ name }) => name);
  const leaf = `${type}, IPAT ${bit(ipat)}`;
  const some = `${leaf} is made for some page by ${policies.join(', ') || 'no policy'}.`;
  if (page === undefined) return { policies, sentence: some };
  const { explanation, gpa } = page;
  const same = explanation.type === type && explanation.ipat === ipat;
  const made = explanation.type === 'none' ? 'no type' : `${explanation.type}, IPAT ${bit(explanation.ipat)}`;
  const verdict = same ? 'the same' : 'not this entry';
  return {
    policies,
    sentence: `${some} Policy ${explanation.policy.name} makes ${made} of gpa ${hex(gpa)}: ${verdict}.`,
  };
}

/** Tell a person what an entry is. */
export function spteText(question: SpteQuestion): string {
  const { spte, reading } = question;
  const { level, frame, r, w, x, type, ipat, isLeaf, maps, misconfigured } = reading;
  const sources = [...new Set(misconfigured.map(({ source }) => `(${source})`))];
  return [
    `SPTE ${hex(spte)}, level ${level}`,
    '',
    ...table([
      ['frame', `${hex(frame)}: host-physical ${hex(frame << 12n)}`],
      ['permissions', `R=${bit(r)} W=${bit(w)} X=${bit(x)}`],
      ...(isLeaf && maps ? [['type', `${type ?? 'reserved'}, IPAT ${bit(ipat)}`]] : []),
      ['processor', [processorText(reading), ...sources].join(' ')],
    ]),
    '',
    'as kernels read it',
    ...table(reading.layouts.map((row) => [row.layout.kernels, layoutText(row, spte)])),
    '',
    makers(question).sentence,
    '',
  ].join('\n');
}

/** The same as plain data. */
export function spteJson(question: SpteQuestion): object {
  const { spte, reading, page } = question;
  const { layouts, frame, type, ipat, ...rest } = reading;
  const hasType = rest.isLeaf && rest.maps;
  return {
    spte: hex(spte),
    frame: hex(frame),
    type: hasType ? (type ?? null) : null,
    ipat: hasType ? ipat : null,
    ...rest,
    kernels: layouts.map(({ layout, ...row }) => ({
      kernels: layout.kernels,
      ...row,
      source: layout.source,
    })),
    policies: makers(question).policies,
    ...(page === undefined
      ? {}
      : {
          page: {
            gpa: hex(page.gpa),
            policy: page.explanation.policy.name,
            type: page.explanation.type,
            ipat: page.explanation.ipat,
          },
        }),
  };
}
