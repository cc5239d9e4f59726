import { expect, test } from 'vitest';
import { KERNEL_LINE_LENGTH, KERNEL_LINES } from './kernel-log.js';
import { decodeMessage } from './message-schema.js';
import type { RawRecording } from './recording.js';
import { encodeJson, packText } from './wire.js';

const LEAF = '600000010a400b77';
const TRACE = [
  'tracing_mark_write: step -1',
  `kvm_mmu_set_spte: gfn 1 spte ${LEAF} (rwxu) level 1 at 4a3e000`,
  'tracing_mark_write: step 0',
  'kvm_mmu_zap_all_fast: kvm-mmu-valid-gen 0 used_pages 4',
].join('\n');

const sent = (trace: string): string => {
  const steps = [{ step: -1 }, { step: 0, ok: true, value: 1n << 63n }];
  const recording: RawRecording = { scenario: 'a/b', durationMs: 1, outcome: 'ran', infra: [], steps, trace };
  return encodeJson({ type: 'recording', recording });
};

test('each step gets the events of its part of the trace', () => {
  expect(decodeMessage(sent(packText(Buffer.from(TRACE))))).toMatchObject({
    recording: {
      outcome: 'ran',
      steps: [
        { step: -1, events: [{ kind: 'set', gfn: 1, level: 1, spte: BigInt(`0x${LEAF}`) }] },
        { step: 0, ok: true, value: 1n << 63n, events: [{ kind: 'zap-all' }] },
      ],
    },
  });
});

test.each([
  ['not packed', 'AAAA'],
  ['not to be read', packText(Buffer.from('CPU:0 [LOST 12 EVENTS]'))],
  ['too long', packText(Buffer.alloc(65 << 20))],
])('a trace that is %s makes an error of the recording', (_, trace) => {
  expect(decodeMessage(sent(trace))).toMatchObject({ recording: { outcome: 'error', code: 'TRACE' } });
});

test('traces that are too long together cannot be read', () => {
  const budget = { left: TRACE.length + 10 };
  const line = sent(packText(Buffer.from(TRACE)));

  const outcomes = [line, line].map((one) => decodeMessage(one, budget));

  expect(outcomes).toMatchObject([{ recording: { outcome: 'ran' } }, { recording: { outcome: 'error' } }]);
});

const logged = (lines: number, length: number): string => {
  const line = { step: 0, text: 'x'.repeat(length) };
  const kernelLog = { lines: Array.from({ length: lines }, () => line), lost: 0 };
  const head = { scenario: 'a/b', durationMs: 1, kernelLog };
  return encodeJson({
    type: 'recording',
    recording: { ...head, outcome: 'ran', infra: [], steps: [], trace: 'AAAA' },
  });
};

test('what the kernel logged stays where the trace cannot be read', () => {
  expect(decodeMessage(logged(KERNEL_LINES, KERNEL_LINE_LENGTH))).toMatchObject({
    recording: { outcome: 'error', kernelLog: { lost: 0 } },
  });
});

test.each([
  ['lines', KERNEL_LINES + 1, 1],
  ['characters', 1, KERNEL_LINE_LENGTH + 1],
])('more %s of the kernel’s log than an agent keeps are no message', (_, lines, length) => {
  expect(() => decodeMessage(logged(lines, length))).toThrow(expect.objectContaining({ code: 'WIRE' }));
});

test.each([['garbage'], ['{"type":"nonsense"}'], ['{"type":"end"}']])('%s is no message', (line) => {
  expect(() => decodeMessage(line)).toThrow(expect.objectContaining({ code: 'WIRE' }));
});
