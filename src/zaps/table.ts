import { safeLine } from '../safe-text.js';
import type { ZapResult } from './judge.js';
import type { ZapSet } from './session.js';

const HEADER = ['kernel', 'vCPUs', 'mapped MiB', 'zaps', 'boot CPU', 'each other', 'ms in zaps', 'model'];

const ms = (ns: number): string => (ns / 1e6).toFixed(2);
const each = ({ vcpus, otherZaps }: ZapResult): string => (vcpus > 1 ? String(otherZaps / (vcpus - 1)) : '-');

function row(name: string, result: ZapResult): string[] {
  const { vcpus, mib, bootZaps, otherZaps, ns, mismatches } = result;
  const verdict = mismatches.length === 0 ? 'as expected' : 'DIFFERS';
  return [
    safeLine(name),
    String(vcpus),
    String(mib),
    String(bootZaps + otherZaps),
    String(bootZaps),
    each(result),
    ms(ns),
    verdict,
  ];
}

/** Text columns to the left, numbers to the right. */
function align(rows: readonly (readonly string[])[]): string {
  const widths = HEADER.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const last = HEADER.length - 1;
  const pad = (cell: string, i: number): string =>
    i === 0 || i === last ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  return rows.map((cells) => `${cells.map(pad).join('  ').trimEnd()}\n`).join('');
}

/** The table of all kernels, then one sentence for each departure from the model. */
export function zapTable(sets: readonly { name: string; set: ZapSet }[]): string {
  const rows = sets.flatMap(({ name, set }) => set.results.map((result) => row(name, result)));
  const wrong = sets.flatMap(({ name, set }) =>
    set.results.flatMap(({ vcpus, mib, mismatches }) =>
      mismatches.map(
        (text) => `${safeLine(`${name}, policy ${set.policy}, ${vcpus} vCPUs, ${mib} MiB: ${text}`)}\n`,
      ),
    ),
  );
  return align([HEADER, ...rows]) + wrong.join('');
}
