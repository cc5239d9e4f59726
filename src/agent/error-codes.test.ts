import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { KvmError } from '../kvm/errors.js';
import { TraceError } from '../observe/events.js';
import type { AgentErrorCode } from '../recording/error-codes.js';
import { agentErrorCode, messageOf } from './error-codes.js';

const SRC = fileURLToPath(new URL('..', import.meta.url));

test.each([
  ['an error of our own', new TraceError('x'), 'TRACE'],
  ['one whose class has several codes', new KvmError('KVM_CLOSED', 'KVM_RUN', 9), 'KVM_CLOSED'],
  ['a system call', Object.assign(new Error('x'), { code: 'ENOSPC', syscall: 'write' }), 'SYSTEM'],
  ['a code that no class has', Object.assign(new Error('x'), { code: 'GUEST_TIMEOUT' }), 'INTERNAL'],
  ['no error at all', undefined, 'INTERNAL'],
  ['a name that every object has', Object.assign(new Error('x'), { code: 'toString' }), 'INTERNAL'],
])('the code of %s', (_, error, code) => {
  expect(agentErrorCode(error)).toBe(code);
});

test('the text of whatever was thrown', () => {
  expect([messageOf(new Error('a')), messageOf('b'), messageOf(undefined)]).toEqual(['a', 'b', 'undefined']);
});

test('the compiler refuses to compare with a code that no class has', () => {
  const code: AgentErrorCode = agentErrorCode(new TraceError('x'));

  // @ts-expect-error: the guest's timeout is VMM_GUEST_TIMEOUT
  expect(code === 'GUEST_TIMEOUT').toBe(false);
});

test('no error class has any string as its code', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!\.test)\.ts$/.test(name),
  );
  const free = files.filter((name) => /\bcode\??: string\b/.test(readFileSync(join(SRC, name), 'utf8')));

  expect(files.length).toBeGreaterThan(100);
  expect(free).toEqual([]);
});
