import { safeJson, safeLine } from '../text/safe.js';
import { hang } from '../text/wrap.js';
import type { Finding } from './finding.js';
import type { KvmFindings } from './kvm.js';
import type { LabFindings } from './lab.js';

/** What machines can check, and what not. */
export interface Diagnosis {
  kvms: readonly KvmFindings[];
  /** Absent where only kernels in the lab were asked for. */
  lab?: LabFindings;
}

/** Whether `run` would check something: on one of the KVMs, or on a kernel in the lab. */
export const canCheck = ({ kvms, lab }: Diagnosis): boolean =>
  kvms.some(({ scenarios }) => scenarios.run > 0) || lab?.usable === true;

/** For programs. */
export const diagnosisJson = (diagnosis: Diagnosis): string =>
  `${safeJson(JSON.stringify({ schema: 'kvm-memtype/doctor', version: 1, ok: canCheck(diagnosis), ...diagnosis }, null, 2))}\n`;

const INDENT = 8;

const why = ({ reason, lift }: Finding): string => `${reason}\n${lift}`;

/** Put what lacks for one reason together, where the first of it stands. */
function grouped(findings: readonly Finding[]): Finding[][] {
  const groups = new Map<string, Finding[]>();
  for (const one of findings) {
    const key = one.ok ? one.id : why(one);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

function lines(group: readonly Finding[], width: number): string[] {
  const [{ ok, says, reason, lift }] = group as [Finding];
  const text = (words: string): string => hang(' '.repeat(INDENT), safeLine(words), width, INDENT);
  const titles = group.map(({ title }) => title).join('; ');
  const head = says === undefined ? titles : `${titles}: ${safeLine(says)}`;
  return [
    hang(ok ? '  yes   ' : '  no    ', head, width, INDENT),
    ...(reason === undefined ? [] : [text(reason)]),
    ...(lift === undefined ? [] : [text(`to have it: ${lift}`)]),
  ];
}

function kvmText({ name, release, cpu, findings, scenarios }: KvmFindings, width: number): string[] {
  const what = release === undefined ? name : `${name}: Linux ${release}, ${cpu}`;
  const all = scenarios.run + scenarios.skip;
  return [
    hang('', safeLine(what), width, 2),
    ...grouped(findings).flatMap((group) => lines(group, width)),
    `  run would take ${scenarios.run} of ${all} scenarios here, and skip ${scenarios.skip}`,
    '',
  ];
}

function labText({ findings, usable }: LabFindings, width: number): string[] {
  return [
    'the lab, where run --kernel boots kernels',
    ...grouped(findings).flatMap((group) => lines(group, width)),
    usable ? '  run --kernel would work' : '  run --kernel would not work',
    '',
  ];
}

/** For people, within `width` columns. */
export function diagnosisText({ kvms, lab }: Diagnosis, width: number): string {
  const all = [
    ...kvms.flatMap((kvm) => kvmText(kvm, width)),
    ...(lab === undefined ? [] : labText(lab, width)),
  ];
  return all.join('\n');
}
