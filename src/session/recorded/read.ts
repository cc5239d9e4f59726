import { constants, gunzipSync } from 'node:zlib';
import { readInput } from '../../process/read-file.js';
import { decodeJson } from '../../recording/wire.js';
import type { Incomplete, RunHeader } from '../../report/types.js';
import { brokenRules } from '../../scenario/rules.js';
import type { SessionEnd } from '../request.js';
import { type FileRecord, fileRecord, type RecordedRequest } from './records.js';

/** A file is no recording, or a damaged one; the message says why. */
class RecordingFileError extends Error {
  readonly code = 'RECORDING_FILE';
}

/** What was recorded of one kernel. */
export interface RecordedKernel {
  request: RecordedRequest;
  /** What agents printed; null where a lane's machine died, and one more lane has what it had not begun. */
  lines: { lane: number; line: string | null }[];
  /** Absent where the session did not come to its end. */
  end?: SessionEnd;
}

/** What was recorded of a run. */
export interface RecordedRun {
  header: RunHeader;
  kernels: RecordedKernel[];
  /** Absent where the run was killed. */
  end?: { durationMs: number; incomplete?: Incomplete };
}

const MIB = 1 << 20;
/** Bytes: many times the largest recording that `run` makes. */
const FILE_LIMIT = 64 * MIB;
const TEXT_LIMIT = 256 * MIB;

/** What gzip begins every file with (RFC 1952, 2.3.1). */
const MAGIC = Buffer.from([0x1f, 0x8b]);

/** Unpack a recording. The end may lack: a run that is killed writes none. */
function unpack(bytes: Buffer): string {
  if (!bytes.subarray(0, 2).equals(MAGIC))
    throw new RecordingFileError('it is no recording: `run --record` packs them by gzip');
  try {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: TEXT_LIMIT };
    return gunzipSync(bytes, options).toString('utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new RecordingFileError(`unpacked it is larger than ${TEXT_LIMIT / MIB} MiB`);
    throw new RecordingFileError(`it is damaged: ${message}`);
  }
}

function parse(line: string): unknown {
  try {
    return decodeJson(line);
  } catch {
    return undefined;
  }
}

function recordOf(line: string, number: number): FileRecord {
  const json = parse(line);
  const parsed = fileRecord.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const why = json === undefined ? 'it is not JSON' : `${issue?.path.join('.') || 'it'}: ${issue?.message}`;
  throw new RecordingFileError(`line ${number} is no record of a recording: ${why}`);
}

const refuse = (why: string): never => {
  throw new RecordingFileError(why);
};

/** What the schema cannot say of a kernel's record. */
function checkRequest({ name, scenarios, slots }: RecordedRequest): void {
  if (new Set(scenarios.map((scenario) => scenario.name)).size < scenarios.length)
    refuse(`${name}: two scenarios have one name`);
  for (const scenario of scenarios) {
    const [broken] = brokenRules(scenario);
    if (broken !== undefined) refuse(`${scenario.name}: ${broken.path}: ${broken.text}`);
  }
  const astray = slots.find(([scenario]) => scenario >= scenarios.length);
  if (astray !== undefined) refuse(`${name}: there is no scenario ${astray[0]}`);
}

/** Puts a run together from its records, one by one. */
class Collector {
  #run: RecordedRun | undefined;
  /** Machines of the kernel that began last. */
  #lanes = 0;

  take(record: FileRecord): void {
    if ((record.type === 'run') !== (this.#run === undefined)) refuse('a run begins once, and first');
    if (this.#run?.end !== undefined) refuse('nothing follows the end of a run');
    switch (record.type) {
      case 'run':
        this.#run = { header: record.run, kernels: [] };
        break;
      case 'kernel':
        this.#begin(record.kernel);
        break;
      case 'line':
        this.#addLine(record.lane, record.line);
        break;
      case 'succeeded':
        this.#addLine(record.lane, null);
        this.#lanes++;
        break;
      case 'kernel-end':
        this.#endKernel(record.end);
        break;
      case 'end': {
        const { type: _, ...end } = record;
        this.run.end = end;
      }
    }
  }

  #begin(request: RecordedRequest): void {
    const last = this.run.kernels.at(-1);
    if (last !== undefined && last.end === undefined)
      refuse('a kernel begins before the one before it has ended');
    checkRequest(request);
    this.run.kernels.push({ request, lines: [] });
    this.#lanes = request.slots.reduce((most, [, lane]) => Math.max(most, lane + 1), 0);
  }

  #open(): RecordedKernel {
    const last = this.run.kernels.at(-1);
    return last === undefined || last.end !== undefined ? refuse('a line without a kernel') : last;
  }

  #addLine(lane: number, line: string | null): void {
    const open = this.#open();
    if (lane >= this.#lanes) refuse(`a line of machine ${lane}, of ${this.#lanes}`);
    open.lines.push({ lane, line });
  }

  #endKernel(end: SessionEnd): void {
    const open = this.#open();
    if (end.outcomes.length !== this.#lanes) refuse(`${end.outcomes.length} ends of ${this.#lanes} machines`);
    open.end = end;
  }

  get run(): RecordedRun {
    return this.#run ?? refuse('nothing is in it');
  }
}

/** Read what is in a recording. Half a last line is left out: it was being written when the run was killed. */
function parseRun(text: string): RecordedRun {
  const collector = new Collector();
  const lines = text.split('\n');
  const last = lines.pop();
  if (last && parse(last) !== undefined) lines.push(last);
  lines.forEach((line, i) => {
    collector.take(recordOf(line, i + 1));
  });
  return collector.run;
}

/**
 * Read what `run --record` wrote. Nothing in the file is trusted.
 * @throws RecordingFileError, InputFileError
 */
export async function readRecordingFile(file: string): Promise<RecordedRun> {
  const bytes = await readInput(file, { limit: FILE_LIMIT, why: 'the most for a recording' });
  try {
    return parseRun(unpack(bytes));
  } catch (error) {
    if (error instanceof RecordingFileError)
      throw new RecordingFileError(`cannot read ${file}: ${error.message}`);
    throw error;
  }
}
