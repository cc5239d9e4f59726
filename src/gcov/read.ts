import { posix } from 'node:path';
import { z } from 'zod';
import type { CountedFile, CountedFunction, CountedLine } from './types.js';

const whole = z.number().int().nonnegative();

/** What gcov --json-format writes, as far as it is used. */
const document = z.object({
  current_working_directory: z.string(),
  files: z.array(
    z.object({
      file: z.string(),
      functions: z.array(
        z.object({ name: z.string(), start_line: whole, end_line: whole, execution_count: whole }),
      ),
      lines: z.array(
        z.object({
          line_number: whole,
          function_name: z.string().optional(),
          count: whole,
          branches: z.array(z.object({ count: whole })),
        }),
      ),
    }),
  ),
});

/** KVM's own files; a header from elsewhere is somebody else's. */
const OF_KVM = /(?:^|\/)((?:arch\/x86|virt)\/kvm\/.+)$/;

interface Found {
  functions: Map<string, CountedFunction>;
  lines: Map<string, CountedLine>;
}

/** Add up what gcov read of several objects and machines: a header, or an inline function, is in many objects. */
export class Counters {
  readonly #files = new Map<string, Found>();

  /** @throws ZodError if it is not gcov's */
  add(json: unknown): void {
    const { current_working_directory: folder, files } = document.parse(json);
    for (const { file, functions, lines } of files) {
      const path = OF_KVM.exec(posix.resolve(folder, file))?.[1];
      if (path === undefined) continue;
      const found = this.#found(path);
      for (const one of functions) addFunction(found, one);
      for (const { line_number: line, function_name = '', count, branches } of lines)
        addLine(found, { line, function: function_name, count, branches: branches.map((b) => b.count) });
    }
  }

  #found(path: string): Found {
    const found = this.#files.get(path) ?? { functions: new Map(), lines: new Map() };
    this.#files.set(path, found);
    return found;
  }

  /** By path. */
  files(): CountedFile[] {
    return [...this.#files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, { functions, lines }]) => ({
        path,
        functions: [...functions.values()].sort((a, b) => a.start - b.start),
        lines: [...lines.values()].sort((a, b) => a.line - b.line),
      }));
  }
}

interface RawFunction {
  name: string;
  start_line: number;
  end_line: number;
  execution_count: number;
}

function addFunction({ functions }: Found, raw: RawFunction): void {
  const { name, start_line: start, end_line: end, execution_count: count } = raw;
  const before = functions.get(name);
  if (before === undefined) functions.set(name, { name, start, end, count });
  else before.count += count;
}

function addLine({ lines }: Found, next: CountedLine): void {
  const key = `${next.line} ${next.function}`;
  const before = lines.get(key);
  if (before === undefined) {
    lines.set(key, next);
    return;
  }
  before.count += next.count;
  // Copies of a function that were compiled in another way have other branches: keep those of both.
  if (before.branches.length === next.branches.length)
    before.branches = before.branches.map((count, i) => count + (next.branches[i] as number));
  else before.branches.push(...next.branches);
}
