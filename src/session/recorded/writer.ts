import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, type Gzip } from 'node:zlib';
import { OutputError, reasonOf } from '../../process/output-file.js';
import { encodeJson } from '../../recording/wire.js';
import type { Incomplete, RunHeader } from '../../report/types.js';
import type { Plan } from '../lane.js';
import type { SessionRecorder, SessionRequest } from '../request.js';
import type { Target } from '../target.js';
import type { RecordedKernel } from './read.js';
import { type Again, type FileRecord, RECORDING_VERSION, type RecordedRequest } from './records.js';

/** What a recording is called while its run goes on. */
const partialName = (file: string): string => `${file}.partial`;

function targetOf(target: Target): RecordedRequest['target'] {
  if (target.engine === 'host') return target;
  const { engine, params, identity } = target;
  return { engine, params: [...params], ...(identity && { identity }) };
}

function requestOf(request: SessionRequest, { slots, lanes }: Plan, again: Again): RecordedRequest {
  const scenarios = [...new Set(slots.map(({ scenario }) => scenario))];
  const indexOf = new Map(scenarios.map((scenario, i) => [scenario, i]));
  const laneOf = new Map(lanes.flatMap((own, i) => own.map((slot) => [slot, i] as const)));
  return {
    name: request.name,
    target: targetOf(request.target),
    policy: request.policy,
    strict: request.strict ?? false,
    repeat: request.repeat,
    scenarios: scenarios as RecordedRequest['scenarios'],
    slots: slots.map((slot) => [
      indexOf.get(slot.scenario) ?? 0,
      laneOf.get(slot) ?? 0,
      slot.round,
      slot.wanted,
    ]),
    again,
  };
}

/** Keeps what a session is told, as a recording would. */
export function keepRecorded(
  request: SessionRequest,
  again: Again,
): { recorder: SessionRecorder; recorded: () => RecordedKernel | undefined } {
  let kept: RecordedKernel | undefined;
  return {
    recorder: {
      begin: (plan) => {
        kept = { request: requestOf(request, plan, again), lines: [] };
      },
      line: (lane, line) => void kept?.lines.push({ lane, line }),
      succeeded: (lane) => void kept?.lines.push({ lane, line: null }),
      end: (end) => {
        if (kept !== undefined) kept.end = end;
      },
    },
    recorded: () => kept,
  };
}

/**
 * Writes what a run is told into a file, as it comes: one stream of gzip, flushed after each line of an agent, so that of a run that is killed
 * all is there that its last flush had. It has its name when the run is over, another before.
 */
export class RunRecorder {
  #gzip: Gzip | undefined;
  #written: Promise<void> | undefined;
  #error: unknown;

  constructor(
    readonly file: string,
    private readonly begin: RunHeader,
  ) {}

  /** A recorder for one kernel. */
  forKernel(request: SessionRequest, again: Again): SessionRecorder {
    return {
      begin: (plan) => this.#write({ type: 'kernel', kernel: requestOf(request, plan, again) }),
      line: (lane, line) => this.#write({ type: 'line', lane, line }),
      succeeded: (lane) => this.#write({ type: 'succeeded', lane }),
      end: ({ outcomes, durationMs }) =>
        this.#write({ type: 'kernel-end', end: { outcomes: [...outcomes], durationMs } }),
    };
  }

  #open(): Gzip {
    const gzip = createGzip();
    const partial = partialName(this.file);
    // Take what an earlier run left out of the way; never follow a link that somebody put there.
    rmSync(partial, { force: true });
    this.#written = pipeline(gzip, createWriteStream(partial, { flags: 'wx' })).catch((error: unknown) => {
      this.#error = error;
    });
    this.#gzip = gzip;
    this.#write({
      type: 'run',
      schema: 'kvm-memtype/recording',
      version: RECORDING_VERSION,
      run: this.begin,
    });
    return gzip;
  }

  #write(record: FileRecord): void {
    if (this.#error !== undefined) return;
    const gzip = this.#gzip ?? this.#open();
    gzip.write(`${encodeJson(record)}\n`);
    gzip.flush(constants.Z_SYNC_FLUSH);
  }

  /**
   * The run is over: complete the file and give it its name.
   * @throws OutputError if it could not be written; what there is of it stays
   */
  async finish(end: { durationMs: number; incomplete?: Incomplete }): Promise<void> {
    this.#write({ type: 'end', ...end });
    this.#gzip?.end();
    await this.#written;
    try {
      if (this.#error !== undefined) throw this.#error;
      renameSync(partialName(this.file), this.file);
    } catch (error) {
      throw new OutputError(`cannot write --record ${this.file}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** The run came to nothing. */
  async abandon(): Promise<void> {
    if (this.#gzip === undefined) return;
    this.#gzip.end();
    await this.#written;
    rmSync(partialName(this.file), { force: true });
  }
}
