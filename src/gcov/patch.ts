import type { CountedFile, CountedLine } from './types.js';

/** The lines that a patch adds, by file. Where it only takes some away, the lines around that place. */
export type ChangedLines = ReadonlyMap<string, ReadonlySet<number>>;

const FILE = /^\+\+\+ b\/([^\t\n]+)/;
const HUNK = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@/;

/** Read a unified diff that has no lines of context. */
export function changedLines(diff: string): ChangedLines {
  const changed = new Map<string, Set<number>>();
  let lines = new Set<number>();
  for (const text of diff.split('\n')) {
    const path = FILE.exec(text)?.[1];
    if (path !== undefined) {
      lines = new Set();
      changed.set(path, lines);
    }
    const [, start, count = '1'] = HUNK.exec(text) ?? [];
    if (start === undefined) continue;
    const isGone = count === '0';
    const length = isGone ? 2 : Number(count);
    for (let i = 0; i < length; i++) lines.add(Number(start) + i);
  }
  return changed;
}

/** What a patch touches of a file that has code. */
export interface TouchedFile {
  path: string;
  lines: CountedLine[];
}

/** The lines with code that a patch touches. */
export function touchedBy(changed: ChangedLines, files: readonly CountedFile[]): TouchedFile[] {
  return files.flatMap(({ path, lines }): TouchedFile[] => {
    const own = changed.get(path);
    const touched = lines.filter(({ line }) => own?.has(line));
    return touched.length === 0 ? [] : [{ path, lines: touched }];
  });
}
