import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { resultFile } from '../schema.js';
import type { RunResult } from '../types.js';
import { Assembler, RecordError } from './assemble.js';
import { type JournalRecord, journalRecord } from './records.js';

/** Saved results cannot be read; the message says why. */
export class SavedError extends Error {
  readonly code = 'REPORT_SAVED';
}

/** Bytes: many times the largest run that `run` makes. */
const SIZE_LIMIT = 512 << 20;

const REASONS: Record<string, string> = {
  EACCES: 'no permission to read it',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file',
};

function readText(file: string): string {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new SavedError(`${file} is not a regular file`);
    if (stat.size > SIZE_LIMIT) throw new SavedError(`${file} is larger than ${SIZE_LIMIT >> 20} MiB`);
    return readFileSync(fd, 'utf8');
  } catch (error) {
    if (error instanceof SavedError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new SavedError(`cannot read ${file}: ${REASONS[code] ?? message}`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const NOT_OURS = 'neither a journal nor a result that --format json wrote';

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The first thing that is wrong, in one line. */
const firstIssue = (error: z.ZodError): string => {
  const [issue] = error.issues;
  return `${issue?.path.join('.') || 'it'}: ${issue?.message}`;
};

function recordOf(line: string, number: number): JournalRecord {
  const json = parseJson(line);
  const parsed = journalRecord.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new SavedError(
    `line ${number} is no record of a journal: ${json === undefined ? 'it is not JSON' : firstIssue(parsed.error)}`,
  );
}

/**
 * The run that a journal tells of. Half a last line is left out: it was being written when the run ended.
 * @throws SavedError
 */
export function runOfJournal(text: string): RunResult {
  const assembler = new Assembler();
  const lines = text.split('\n');
  const last = lines.pop();
  if (last) lines.push(...(parseJson(last) === undefined ? [] : [last]));
  try {
    for (const [index, line] of lines.entries()) assembler.take(recordOf(line, index + 1));
    return assembler.run();
  } catch (error) {
    if (error instanceof RecordError) throw new SavedError(`it is no journal: ${error.message}`);
    throw error;
  }
}

/**
 * The run that a text holds: a journal, or what `--format json` wrote. Nothing in it is trusted.
 * @throws SavedError
 */
export function parseResults(text: string): RunResult {
  const json = parseJson(text);
  const whole = z.object({ schema: z.string() }).safeParse(json);
  if (whole.success && whole.data.schema === 'kvm-memtype/result') {
    const parsed = resultFile.safeParse(json);
    if (!parsed.success) throw new SavedError(firstIssue(parsed.error));
    const { schema, version, ...run } = parsed.data;
    return run;
  }
  if (!/^\{"type":"run",/.test(text)) throw new SavedError(NOT_OURS);
  return runOfJournal(text);
}

/**
 * The run that a file holds, as parseResults() reads it.
 * @throws SavedError
 */
export function readSaved(file: string): RunResult {
  const text = readText(file);
  try {
    return parseResults(text);
  } catch (error) {
    if (error instanceof SavedError) throw new SavedError(`cannot read ${file}: ${error.message}`);
    throw error;
  }
}
