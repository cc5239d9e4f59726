import { describe, expect, it } from 'vitest';
import { hasPassword, parseQueueUrl, publicUrl, queueUrlOf } from './address.js';

describe('the address of a queue', () => {
  it.each([
    ['redis://host:6379/0', 'redis'],
    ['rediss://host', 'redis'],
    ['postgres://host/db', 'postgres'],
    ['postgresql://host/db?sslmode=verify-full', 'postgres'],
    ['http://host', undefined],
    ['host:6379', undefined],
    ['', undefined],
  ])('%s is of %s', (text, kind) => {
    expect(parseQueueUrl(text)?.kind).toBe(kind);
  });

  it.each([
    'redis://:secret@host',
    'rediss://user:secret@host:1/2',
    'postgres://user:secret@host/db?sslmode=verify-full',
    'postgres://user@host/db?password=secret',
  ])('bears a password that is not told: %s', (text) => {
    expect(hasPassword(new URL(text))).toBe(true);
    expect(publicUrl(text)).toMatch(/^(rediss?|postgres):\/\/host(:1)?(\/2|\/db)?$/);
  });

  it('is told without what it holds if it is none', () => {
    expect(() => queueUrlOf('http://:secret@host')).toThrow(/^the queue is a URL such as [^@]*$/);
  });
});
