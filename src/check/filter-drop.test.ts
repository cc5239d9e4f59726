import { expect, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { simulate } from '../../test/support/simulate.js';
import { MSR } from '../arch/msrs.js';
import { type Policy, policies } from '../memtype/index.js';
import { mib, noncoherent, rdmsr, scenario, touch, wrmsr } from '../scenario/builder.js';
import { judge } from './judge.js';

/** Each entry UC. */
const UNCACHED = 0n;

test('a PAT that the VMM keeps to itself is not the one in force', () => {
  const policy = policies.get('E') as Policy;
  const kept = scenario('test/kept-pat', 'A PAT', { needs: [], msrMode: 'filter-drop' }, [
    noncoherent(true),
    wrmsr(MSR.PAT, UNCACHED),
    rdmsr(MSR.PAT),
    touch(mib(4)),
  ]);

  const verdict = judge(kept, simulate(kept, policy), policy, environmentOf(policy));

  expect([verdict.mismatches, verdict.status]).toEqual([[], 'pass']);
});
