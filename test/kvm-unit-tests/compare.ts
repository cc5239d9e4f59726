/** What a run of an image gave. */
export interface Run {
  /** Status of the exit as QEMU gives it; null if the run did not end by itself. */
  status: number | null;
  /** Lines on its serial port. */
  lines: readonly string[];
}

/** How two runs of an image compare. */
export interface Comparison {
  /** PASS lines that both have. */
  same: number;
  /** Verdicts of the first that the second lacks, and the other way round. */
  onlyFirst: string[];
  onlySecond: string[];
}

const VERDICT = /^(PASS|FAIL|SKIP|XFAIL|KFAIL)(: |$)/;

/** What differs from run to run, such as times and addresses, is no part of a verdict. */
const withoutNumbers = (line: string): string =>
  line.replace(/\b0x[0-9a-f]+\b|\b\d+(\.\d+)?\b/gi, 'N').trimEnd();

/** The verdicts of a run, in order, a repeated one as often as it came. */
export function verdicts({ lines }: Run): string[] {
  return lines.map((line) => line.trimEnd()).filter((line) => VERDICT.test(line));
}

/** Count of each kind of verdict. */
export function count(run: Run, kind: 'PASS' | 'FAIL' | 'SKIP'): number {
  return verdicts(run).filter((line) => line.startsWith(kind)).length;
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = others.map(withoutNumbers);
  return lines.filter((line) => {
    const at = left.indexOf(withoutNumbers(line));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** Hold the verdicts of two runs against each other, numbers in them aside. */
export function compare(first: Run, second: Run): Comparison {
  const [a, b] = [verdicts(first), verdicts(second)];
  const onlyFirst = without(a, b);
  const passes = (lines: readonly string[]): number => lines.filter((line) => line.startsWith('PASS')).length;
  return { same: passes(a) - passes(onlyFirst), onlyFirst, onlySecond: without(b, a) };
}

/** Whether both ended, in the same way and with the same verdicts. A run without an end has shown nothing. */
export function isSame(first: Run, second: Run): boolean {
  const { onlyFirst, onlySecond } = compare(first, second);
  return (
    first.status !== null && first.status === second.status && onlyFirst.length + onlySecond.length === 0
  );
}

/** Status of a run in which nothing failed: QEMU's exit device makes it of 0. */
const PASSED = 1;

/** Why runs differ. */
export interface Reasons {
  /** In what QEMU falls short: then all must pass as our guest. */
  qemu?: string;
  /** What our machine lacks, or has otherwise. */
  ours?: string;
}

/** How two runs of an image compare, in words: `same`, `explained: …` or `DIFFERENT`. */
export function judge(inQemu: Run, asOurs: Run, { qemu, ours }: Reasons): string {
  if (isSame(inQemu, asOurs)) return 'same';
  const passed = asOurs.status === PASSED && count(asOurs, 'FAIL') === 0;
  const reason = ours ?? (passed ? qemu : undefined);
  return reason === undefined ? 'DIFFERENT' : `explained: ${reason}`;
}
