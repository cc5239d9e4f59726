import { msrName } from '../../arch/msrs.js';
import type { StepRecord } from '../../recording/recording.js';
import type { Fail } from '../verdict.js';

/** Of MSRs that do not read back tell no more. */
const MOST_FAILURES = 4;

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** Whatever KVM lets a VMM read it must take back, and have it then (tools/testing/selftests/kvm, state_test.c, rests on it). */
export function judgeRestored({ restored, vector }: StepRecord, fail: Fail): void {
  if (restored === undefined) return;
  const { saved, written, odd } = restored;
  if (saved === 0) fail('MSRs saved', 'some', 'none');
  if (written !== saved) fail('MSRs restored', `${saved} of ${saved}`, `${written} of ${saved}`);
  for (const { msr, saved: value, read } of odd.slice(0, MOST_FAILURES))
    fail(
      `restored ${msrName(msr) ?? `MSR ${hex(msr)}`}`,
      hex(value),
      read === undefined ? 'cannot be read' : hex(read),
    );
  if (vector !== undefined) fail('exception left to the guest', 'none', `vector ${vector}`);
}
