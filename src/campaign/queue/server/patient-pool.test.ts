import { expect, it } from 'vitest';
import { isAway } from './patient-pool.js';

it.each([
  ['a socket that is refused', { code: 'ECONNREFUSED', message: '' }, true],
  ['a name that is not known just now', { code: 'EAI_AGAIN', message: '' }, true],
  ['a server that comes up', { code: '57P03', message: 'the database system is starting up' }, true],
  ['one that was killed', { code: '57P02', message: 'terminating connection' }, true],
  ['a connection that went away', { message: 'Connection terminated unexpectedly' }, true],
  ['no answer', { message: 'timeout exceeded when trying to connect' }, true],
  ['too many connections', { code: '53300', message: 'too many' }, true],
  ['a wrong password', { code: '28P01', message: 'password authentication failed' }, false],
  ['a table that is not there', { code: '42P01', message: 'relation does not exist' }, false],
  ['a certificate that nobody knows', { code: 'SELF_SIGNED_CERT_IN_CHAIN', message: 'self-signed' }, false],
  ['an error of BullMQ’s functions', { code: 'BM001', message: 'missing lock timeout' }, false],
])('%s', (_, error, away) => {
  expect(isAway(error)).toBe(away);
});
