import { closeSync, openSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { findPolicy } from '../memtype/index.js';
import { parseVmTrace } from '../observe/vm-events.js';
import type { HostFacts } from './registers.js';
import { Watcher } from './watcher.js';

const FORM = 'kvm-memtype watch 1';

/** The first line of a recording; the trace follows, as the kernel gave it. */
const header = z.strictObject({
  form: z.literal(FORM),
  release: z.string().max(200),
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

/** Keeps what was seen. */
export class WatchRecorder {
  readonly #fd: number;

  constructor(file: string, host: HostFacts, release: string, fromStart: boolean) {
    this.#fd = openSync(file, 'w');
    const { policy, maxphyaddr, selfSnoop, quirks } = host;
    const first: z.infer<typeof header> = {
      form: FORM,
      release,
      policy: policy.name,
      ...{ maxphyaddr, selfSnoop, quirks, fromStart },
    };
    this.write(`${JSON.stringify(first)}\n`);
  }

  /** Add what the kernel told. */
  write(text: string): void {
    writeSync(this.#fd, text, null, 'latin1');
  }

  /** End it. @param kvms addresses of the monitor's VMs */
  close(kvms: readonly string[]): void {
    this.write(`${VMS} ${kvms.join(' ')}\n`);
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

/**
 * Watch again what was recorded. @param policy hold it against this policy; that of the kernel that it ran on if not given
 * @throws WatchRecordError, TraceError, UnknownPolicyError
 */
export function watchRecorded(text: string, policy?: string): Watcher {
  const end = text.indexOf('\n');
  const { maxphyaddr, selfSnoop, quirks, fromStart, policy: own } = headerOf(text.slice(0, end));
  const facts = { policy: findPolicy(policy ?? own), maxphyaddr, selfSnoop, quirks };
  const last = text.lastIndexOf(`\n${VMS}`);
  if (last < 0) throw new WatchRecordError('it is cut off: the program that wrote it was killed');
  const ours = new Set(
    text
      .slice(last + 1 + VMS.length)
      .trim()
      .split(' '),
  );
  const watcher = new Watcher(facts, (_tid, kvm) => ours.has(kvm), fromStart);
  watcher.take(parseVmTrace(text.slice(end + 1, last)));
  return watcher;
}
