import { closeSync, openSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { findPolicy } from '../memtype/index.js';
import { TraceError } from '../observe/events.js';
import { LOOK_MARK, parseVmTrace } from '../observe/vm-events.js';
import { readInput } from '../process/read-file.js';
import type { HostFacts } from './registers.js';
import { Watcher } from './watcher.js';

/** What a recording of `watch` begins with. */
export const WATCH_MAGIC = '{"form":"kvm-memtype watch ';
const FORM = 'kvm-memtype watch 2';

/** The first line of a recording; the trace follows, as the kernel gave it. */
const header = z.strictObject({
  form: z.literal(FORM),
  startedAt: z.iso.datetime(),
  release: z.string().max(200),
  cpu: z.string().max(200),
  policy: z.string().max(100),
  maxphyaddr: z.int().min(36).max(52),
  selfSnoop: z.boolean(),
  quirks: z.int().min(0).max(0xffff_ffff),
  fromStart: z.boolean(),
});

/** A file is no recording of `watch`. */
class WatchRecordError extends Error {
  readonly code = 'WATCH_RECORD';
}

/** The last line: which of the VMs in the trace are the monitor's. */
const VMS = '# VMs:';

/** What a recording tells of the host, beside what the model has to know. */
export type RecordedHost = Pick<z.infer<typeof header>, 'startedAt' | 'release' | 'cpu' | 'fromStart'>;

/** Keeps what was seen. */
export class WatchRecorder {
  readonly #fd: number;

  constructor(file: string, host: HostFacts, of: RecordedHost) {
    this.#fd = openSync(file, 'w');
    const { policy, maxphyaddr, selfSnoop, quirks } = host;
    const first: z.infer<typeof header> = {
      form: FORM,
      ...of,
      policy: policy.name,
      ...{ maxphyaddr, selfSnoop, quirks },
    };
    this.#write(`${JSON.stringify(first)}\n`);
  }

  /** Add what the kernel told in one look. */
  add(text: string): void {
    this.#write(LOOK_MARK + text);
  }

  #write(text: string): void {
    writeSync(this.#fd, text, null, 'latin1');
  }

  /** End it. @param kvms addresses of the monitor's VMs */
  close(kvms: readonly string[]): void {
    this.#write(`${VMS} ${kvms.join(' ')}\n`);
    closeSync(this.#fd);
  }
}

function headerOf(line: string): z.infer<typeof header> {
  try {
    return header.parse(JSON.parse(line));
  } catch {
    throw new WatchRecordError('it is no recording of `watch`, or one of another version');
  }
}

/** A recording that was read. */
export interface WatchRecording {
  readonly host: RecordedHost;
  /** Name of the policy of the kernel that it ran on. */
  readonly policy: string;
  /**
   * Watch it again, held against a policy; that of the kernel that it ran on if none is given.
   * @param stories keep what each VM did after each change
   * @throws UnknownPolicyError
   */
  watch(policy?: string, stories?: boolean, maxphyaddr?: number): Watcher;
}

/** Bytes: of the text of a trace. */
const LIMIT = 1 << 29;

/** @throws WatchRecordError, InputError */
export async function readWatchFile(file: string): Promise<WatchRecording> {
  const text = (await readInput(file, { limit: LIMIT, why: 'a recording' })).toString('latin1');
  try {
    return readWatchRecording(text);
  } catch (error) {
    if (error instanceof WatchRecordError || error instanceof TraceError)
      throw new WatchRecordError(`cannot read ${file}: ${error.message}`);
    throw error;
  }
}

/** @throws WatchRecordError, TraceError */
export function readWatchRecording(text: string): WatchRecording {
  const end = text.indexOf('\n');
  const { form: _, maxphyaddr: bits, selfSnoop, quirks, policy: own, ...host } = headerOf(text.slice(0, end));
  const last = text.lastIndexOf(`\n${VMS}`);
  if (last < 0) throw new WatchRecordError('it is cut off: the program that wrote it was killed');
  const ours = new Set(
    text
      .slice(last + 1 + VMS.length)
      .trim()
      .split(' '),
  );
  const looks = text
    .slice(end + 1, last + 1)
    .split(LOOK_MARK)
    .map((look) => parseVmTrace(look));
  return {
    host,
    policy: own,
    watch: (policy = own, stories = false, maxphyaddr = bits) => {
      const facts = { policy: findPolicy(policy), maxphyaddr, selfSnoop, quirks };
      const watcher = new Watcher(facts, (_tid, kvm) => ours.has(kvm), host.fromStart, stories);
      for (const look of looks) watcher.take(look);
      return watcher;
    },
  };
}
