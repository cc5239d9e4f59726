import type { ZapResult } from '../../check/zap-judge.js';
import { safeLine } from '../../text/safe.js';
import { textTable } from '../../text/table.js';
import { hang } from '../../text/wrap.js';
import type { ZapSet } from './zap-session.js';

const HEADER = ['kernel', 'vCPUs', 'mapped\nMiB', 'zaps', 'boot\nCPU', 'each\nother', 'ms in\nzaps', 'model'];
/** Columns of HEADER that hold numbers. */
const NUMBERS = [1, 2, 3, 4, 5, 6];
const LEAST_NAME = 8;

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

/** A name that is too long for its column keeps its end, where a path has the file. */
const shorten = (name: string, room: number): string =>
  name.length > room ? `…${name.slice(1 - room)}` : name;

/** The table of all kernels, within `width` columns, then one sentence for each departure from the model. */
export function zapTable(sets: readonly { name: string; set: ZapSet }[], width: number): string {
  const rows = [HEADER, ...sets.flatMap(({ name, set }) => set.results.map((result) => row(name, result)))];
  const others = textTable(
    rows.map((cells) => ['', ...cells.slice(1)]),
    NUMBERS,
  ).split('\n');
  const room = Math.max(LEAST_NAME, width - Math.max(...others.map((line) => line.length)));
  const table = textTable(
    rows.map(([name = '', ...cells]) => [shorten(safeLine(name), room), ...cells]),
    NUMBERS,
  );
  const wrong = sets.flatMap(({ name, set }) =>
    set.results.flatMap(({ vcpus, mib, mismatches }) =>
      mismatches.map((text) => `${name}, policy ${set.policy}, ${vcpus} vCPUs, ${mib} MiB: ${text}`),
    ),
  );
  return table + wrong.map((line) => `${hang('', safeLine(line), width, 2)}\n`).join('');
}
