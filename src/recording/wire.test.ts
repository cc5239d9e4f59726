import { expect, it } from 'vitest';
import { decodeJson, encodeJson } from './wire.js';

it.each(['#1', '##1', '#', '#1 SMP', '', 'a#1'])('keeps the text %j apart from a number', (message) => {
  const sent = { type: 'failed', code: 'INTERNAL', message } as const;

  expect(decodeJson(encodeJson(sent))).toEqual(sent);
});

it.each([0n, 0xc06n, (1n << 64n) - 1n])('brings back the number %d', (value) => {
  const recording = {
    scenario: 'a/b',
    durationMs: 1,
    outcome: 'ran',
    infra: [],
    steps: [{ step: 0, value }],
  } as const;

  expect(decodeJson(encodeJson({ type: 'recording', recording }))).toEqual({
    type: 'recording',
    recording,
  });
});
