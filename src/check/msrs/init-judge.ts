import {
  CR0_AFTER_RESET,
  CR0_CACHE,
  cr0AfterInit,
  START_AFTER_INIT,
  startAfterSipi,
} from '../../arch/cr0.js';
import type { Policy } from '../../memtype/index.js';
import type { StepRecord } from '../../recording/recording.js';
import type { Step } from '../../scenario/types.js';
import type { Fail } from '../verdict.js';

const hex = (value: bigint | undefined): string =>
  value === undefined ? 'nothing' : `0x${value.toString(16)}`;

/**
 * Hold CR0 after an INIT, and where the vCPU begins then, against what the SDM says, or what old kernels do.
 * @returns CR0 of the guest that goes on: with the caches as the INIT left them
 */
export function judgeInit(
  { sipi }: Extract<Step, { do: 'init' }>,
  { value, start }: StepRecord,
  { cr0, rules, fail }: { cr0: bigint; rules: Policy['msrs']; fail: Fail },
): bigint {
  const expected = cr0AfterInit(cr0);
  const isReset = rules.initMaySetCd && value === CR0_AFTER_RESET;
  if (value !== expected && !isReset) fail('CR0 after INIT', hex(expected), hex(value));
  const first = sipi === undefined ? START_AFTER_INIT : startAfterSipi(sipi);
  if (start !== first) fail('first instruction', hex(first), hex(start));
  return isReset ? cr0 | CR0_CACHE : cr0;
}
