import { expect } from 'vitest';
import { memTypeName } from '../../src/arch/memory-types.js';
import type { TraceEvent } from '../../src/observe/events.js';
import { decodeLeaf } from '../../src/observe/spte.js';
import { parseVmTrace } from '../../src/observe/vm-events.js';
import { decodeMessage } from '../../src/recording/message-schema.js';
import type { Recording } from '../../src/recording/recording.js';
import type { VmReport } from '../../src/watch/report.js';
import { OWN, type Stage } from './lab-watch.js';

export const NOTHING_LEFT = { instances: [], probes: '' };

/** What `watch --format json` said of the one VM at its end. */
function reportIn({ out, err }: Pick<Stage, 'out' | 'err'>): VmReport {
  const lines = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { kind: string; vms?: number; lost?: number });
  expect(lines.at(-1), err).toEqual({ kind: 'end', vms: 1, lost: 0 });
  return lines.at(-2) as unknown as VmReport;
}

/** All changes of leaves in a recording, in order. */
const changesIn = ({ trace }: Stage) =>
  parseVmTrace(trace.slice(trace.indexOf('\n'))).events.flatMap((event) =>
    event.kind === 'change' && !event.smm ? [event] : [],
  );

/** The types, with IPAT, of all leaves that were made. */
export function typesIn(stage: Stage): string[] {
  const types = changesIn(stage).flatMap((event) => {
    const leaf = decodeLeaf(event.new, event.level);
    return leaf === undefined ? [] : [`${memTypeName(leaf.type)}, IPAT ${leaf.ipat ? 1 : 0}`];
  });
  return [...new Set(types)].sort();
}

/** What holds on every kernel: each leaf, and each zap of the guest's registers and devices, is as the model says. */
export function checkWatched(stage: Stage | undefined): { stage: Stage; report: VmReport } {
  if (stage === undefined) throw new Error('the lab did not come to the stage');
  const report = reportIn(stage);

  expect(report).toMatchObject({ fromStart: true, lostTrack: false, noncoherent: 1, missingZaps: [] });
  expect(report.verdict).toMatchObject({ wrong: 0, untold: 0 });
  expect(report.verdict.right).toBeGreaterThan(500);
  expect(stage).toMatchObject({ status: 0, left: NOTHING_LEFT });
  expect(stage.serial.join()).toContain('Power down');
  return { stage, report };
}

/** That nothing is left of a watcher that was killed, though there was something. */
export function checkKilled(stage: Stage | undefined): void {
  expect(stage).toMatchObject({ signal: 'SIGKILL', left: NOTHING_LEFT, guards: [] });
  expect(stage?.before.instances).toHaveLength(1);
  expect(stage?.before.probes).toContain('vmx_get_mt_mask');
}

/** Changes of leaves that our own machine's observer recorded itself, of all its scenarios. */
function ownChanges({ err }: Stage): TraceEvent[] {
  const recordings = err
    .split('\n')
    .filter((line) => line.startsWith('{"type":'))
    .map((line) => decodeMessage(line))
    .flatMap((message): Recording[] => (message.type === 'recording' ? [message.recording] : []));
  expect(recordings.map(({ scenario, outcome }) => `${scenario} ${outcome}`).sort()).toEqual(
    OWN.map((name) => `${name} ran`).sort(),
  );
  return recordings.flatMap((recording) =>
    recording.outcome === 'ran' ? recording.steps.flatMap(({ events }) => events ?? []) : [],
  );
}

const changeText = ({
  gfn,
  level,
  old,
  new: made,
}: {
  gfn: number;
  level: number;
  old: bigint;
  new: bigint;
}) => `gfn 0x${gfn.toString(16)} level ${level}: 0x${old.toString(16)} to 0x${made.toString(16)}`;

/** That our own machine, watched from another process, has the leaves that it sees itself. */
export function checkOwn(stage: Stage | undefined): void {
  if (stage === undefined) throw new Error('the lab did not come to the stage');
  const changes = changesIn(stage);
  const seen = new Set(changes.map(changeText));
  const told = ownChanges(stage).flatMap((event) => (event.kind === 'change' ? [changeText(event)] : []));
  const own = new Set(told);

  expect(told.length).toBeGreaterThan(100);
  expect([...own].filter((text) => !seen.has(text))).toEqual([]);
  // Our own observer looks away when a VM ends.
  const others = changes.filter((change) => !own.has(changeText(change)));
  expect(others.filter((change) => decodeLeaf(change.new, change.level) !== undefined)).toEqual([]);
  expect(stage.status, stage.out).toBe(0);
}

/** A VM that ran before it was watched, by both ways to name its monitor. */
export function checkAttached(stage: Stage | undefined, expected: object): void {
  if (stage === undefined) throw new Error('the lab did not come to the stage');
  for (const ended of [stage.by.pid, stage.by.name]) {
    const report = reportIn(ended);

    expect(ended.status, ended.err).toBe(0);
    expect(report).toMatchObject({ fromStart: false, missingZaps: [], stale: [], ...expected });
    expect(report.verdict.wrong).toBe(0);
    expect(report.leaves).toBeGreaterThan(0);
  }
  expect(stage.left).toEqual(NOTHING_LEFT);
}
