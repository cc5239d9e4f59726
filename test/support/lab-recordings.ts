import { expect } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { decodeMessage } from '../../src/recording/message-schema.js';
import type { Recording } from '../../src/recording/recording.js';
import type { Scenario } from '../../src/scenario/types.js';
import { runAgent } from '../../src/session/engines.js';

/** The address in an entry of a page table: which frame of the host it is depends on what ran before. */
const FRAME = 0x000f_ffff_ffff_f000n;

/** Threads run as they will in this family: of its recordings the way they end is the same. */
const isRace = (name: string): boolean => name.startsWith('race/');
const needsGib = ({ needs }: Scenario): boolean => needs.includes('gib-pages');
/** What runs on a machine without a page of 1 GiB, and on one that has it. */
export const USUAL = catalogue.filter((scenario) => !needsGib(scenario));
export const LARGE = catalogue.filter(needsGib);
/** The page of 1 GiB is not cleared in between, which would take long: what is read there, others wrote. */
const sharesMemory = (name: string): boolean => LARGE.some((scenario) => scenario.name === name);
export interface RecordOptions {
  /** Whether a machine is saved, or restored from one that was. */
  snapshot: boolean;
  /** USUAL unless given. */
  scenarios?: readonly Scenario[];
  /** Called for each recording as it comes. */
  onRecording?: () => void;
}

/** What a run in the lab gave. */
export interface LabRecordings {
  recordings: Recording[];
  problems: string[];
}

/** Run scenarios on one machine of the lab. */
export async function recordInLab(kernel: string, o: RecordOptions): Promise<LabRecordings> {
  const recordings: Recording[] = [];
  const problems: string[] = [];
  const outcome = await runAgent({
    target: { engine: 'bochs', kernel, params: [], snapshot: o.snapshot },
    spec: {
      scenarios: o.scenarios ?? USUAL,
      device: 'lab',
      params: [],
    },
    timeoutMs: 600_000,
    onLine: (line) => {
      const message = decodeMessage(line);
      if (message.type !== 'recording') return;
      recordings.push(message.recording);
      o.onRecording?.();
    },
    onProblem: (text) => problems.push(text),
  });
  expect(outcome.kind).toBe('done');
  return { recordings, problems };
}

/** A kernel says some things once a boot, or once for each job: which scenario meets them depends on those before it. */
export const withoutLog = ({ kernelLog: _, ...rest }: Recording): Recording => rest;

/** Registers and addresses in what the kernel logs: where things lie in its memory. */
const withoutAddresses = (text: string): string => text.replace(/\b[0-9a-f]{8,}\b/g, '…');

const ENTRIES = ['old', 'new', 'spte'];

/** An entry of a call trace that the kernel is not sure of: a return address that some earlier call left on the stack. */
const isGuess = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'text' in value && /^ *\? /.test(String(value.text));

/** What a recording says, without what depends on what ran before: time, and where in the host's memory things lie. */
export const comparable = (recording: Recording): unknown => {
  const { scenario, outcome } = recording;
  if (isRace(scenario)) return { scenario, outcome };
  return JSON.parse(
    JSON.stringify({ ...recording, durationMs: 0 }, (key, value: unknown) => {
      if (key === 'value' && sharesMemory(scenario)) return undefined;
      if (typeof value === 'bigint') return `${ENTRIES.includes(key) ? value & ~FRAME : value}`;
      if (Array.isArray(value)) return value.filter((one) => !isGuess(one));
      return key === 'text' && typeof value === 'string' ? withoutAddresses(value) : value;
    }),
  );
};
