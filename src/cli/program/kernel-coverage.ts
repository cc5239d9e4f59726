import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Counters, codeText, lcovOf, patchText, type SourceLine } from '../../gcov/index.js';
import {
  type CountedKernel,
  countedKernel,
  mustHaveGenhtml,
  type ObjectCounters,
  readCounters,
  writePages,
} from '../../lab/index.js';
import { writeNewFiles } from '../../process/new-files.js';
import { unpackText } from '../../recording/wire.js';
import type { OutputPlan } from '../../report/outputs.js';
import type { SessionListener, SessionRequest } from '../../session/request.js';
import { UsageError } from '../errors.js';
import { interrupted } from '../terminal/interrupt.js';

interface Options {
  kernel: readonly string[];
  patch?: readonly string[];
  record?: string;
  kernelCoverage?: boolean;
  kernelCoverageFolder?: string;
}

/** Many times what those of KVM's largest object take. */
const MOST_BYTES = 16 << 20;

/** What a machine told is not what gcov's counters are. */
class CountersError extends Error {
  readonly code = 'COUNTERS';
}

/** `run --kernel-coverage`: takes what each machine's kernel counted, and tells in the end what ran. */
export class KernelCoverage {
  #kernel: CountedKernel | undefined;
  #name = '';
  #machines = new Map<number, ObjectCounters[]>();
  readonly #texts: string[] = [];

  private constructor(private readonly options: Options) {}

  /**
   * @returns undefined if it was not asked for
   * @throws UsageError, LabError if it cannot be had
   */
  static async of(options: Options): Promise<KernelCoverage | undefined> {
    if (!options.kernelCoverage) return undefined;
    if (options.record !== undefined)
      throw new UsageError('--kernel-coverage cannot stand beside --record: no recording holds counters');
    if (options.kernelCoverageFolder !== undefined) {
      if (options.kernel.length > 1)
        throw new UsageError('--kernel-coverage-folder is for one --kernel: give each a folder of its own');
      await mustHaveGenhtml();
    }
    return new KernelCoverage(options);
  }

  /** A kernel runs from now on: the listener for what it counts. */
  async begin({ name, target }: SessionRequest): Promise<Pick<SessionListener, 'counters'>> {
    if (target.engine === 'host') return {};
    this.#kernel = await countedKernel(target.kernel);
    this.#name = name;
    this.#machines = new Map();
    return {
      counters: (lane, { name: object, data }) => {
        const counters = this.#machines.get(lane) ?? [];
        this.#machines.set(lane, counters);
        counters.push({ name: object, bytes: unpack(object, data) });
      },
    };
  }

  /** The kernel has ended: read what its machines told. */
  async end(): Promise<void> {
    const kernel = this.#kernel;
    if (kernel === undefined) return;
    if (this.#machines.size === 0) {
      this.#texts.push(`\nNo machine of ${this.#name} told what its kernel counted.\n`);
      return;
    }
    const counters = new Counters();
    for (const objects of this.#machines.values())
      for (const json of await readCounters(kernel, objects, interrupted)) counters.add(json);
    const files = counters.files();
    const source = sourceOf(kernel);
    const patch =
      (this.options.patch ?? []).length > 0 ? `\n${patchText(kernel.changes, files, source)}` : '';
    this.#texts.push(`\nKVM’s code that ran on ${this.#name}:\n\n${codeText(files, source)}${patch}`);
    const folder = this.options.kernelCoverageFolder;
    if (folder === undefined) return;
    const lcov = join(folder, 'lcov.info');
    writeNewFiles([[lcov, lcovOf(kernel.source, files)]]);
    const pages = { lcov, folder: join(folder, 'html'), title: this.#name, source: kernel.source };
    await writePages(pages, interrupted);
  }

  /** After the results; on stderr where stdout has a format for programs. */
  tell(plans: readonly OutputPlan[]): void {
    const isForPeople = plans.every(({ format, file }) => file !== undefined || format === 'pretty');
    (isForPeople ? process.stdout : process.stderr).write(this.#texts.join(''));
  }
}

function unpack(name: string, data: string): Uint8Array {
  try {
    return Buffer.from(unpackText(data, MOST_BYTES), 'latin1');
  } catch (error) {
    throw new CountersError(`what the kernel counted of ${name} cannot be read`, { cause: error });
  }
}

function sourceOf({ source }: CountedKernel): SourceLine {
  const files = new Map<string, string[]>();
  return (path, line) => {
    const lines = files.get(path) ?? readFileSync(join(source, path), 'utf8').split('\n');
    files.set(path, lines);
    return lines[line - 1];
  };
}
