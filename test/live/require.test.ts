import { afterEach, expect, it, vi } from 'vitest';
import { requireOrSkip } from '../require.js';

afterEach(() => void vi.unstubAllEnvs());

const skip = () => {
  throw new Error('skipped');
};

it.each([
  ['true', 'CI must have what this test needs: a device'],
  ['', 'skipped'],
])('with CI=%s a missing device ends in: %s', (ci, message) => {
  vi.stubEnv('CI', ci);

  expect(() => requireOrSkip({ skip }, false, 'a device')).toThrow(message);
  expect(() => requireOrSkip({ skip }, true, 'a device')).not.toThrow();
});
