import { join } from 'node:path';
import type { CountedFile } from './types.js';

function fileRecords(source: string, { path, functions, lines }: CountedFile): string[] {
  const blocks = [...new Set(lines.map((line) => line.function))];
  const byLine = new Map<number, number>();
  for (const { line, count } of lines) byLine.set(line, (byLine.get(line) ?? 0) + count);
  const branches = lines.flatMap(({ line, function: name, count, branches }) =>
    branches.map((taken, i) => `BRDA:${line},${blocks.indexOf(name)},${i},${count === 0 ? '-' : taken}`),
  );
  return [
    'TN:',
    `SF:${join(source, path)}`,
    ...functions.map(({ name, start }) => `FN:${start},${name}`),
    ...functions.map(({ name, count }) => `FNDA:${count},${name}`),
    ...branches,
    ...[...byLine].map(([line, count]) => `DA:${line},${count}`),
    'end_of_record',
  ];
}

/** All that was counted as an LCOV trace file, for genhtml and the like; `source` is the folder where the files lie. */
export function lcovOf(source: string, files: readonly CountedFile[]): string {
  return files
    .flatMap((file) => fileRecords(source, file))
    .map((line) => `${line}\n`)
    .join('');
}
