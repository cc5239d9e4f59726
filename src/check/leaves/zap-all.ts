import type { Effect } from '../../memtype/index.js';
import type { Move } from '../evidence/index.js';
import type { Fail } from '../verdict.js';

/** KVM drops every root at once exactly where the model says so. */
export function judgeZapAll(moves: readonly Move[], { fastZap }: Effect, fail: Fail): void {
  const count = moves.filter(({ kind }) => kind === 'zap-all').length;
  const expected = fastZap ? 1 : 0;
  if (count !== expected) fail('zap of everything', String(expected), String(count));
}
