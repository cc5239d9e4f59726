import type { Loss } from '../store/records.js';

/** Why a job came to no result, and whether it may come to one at the next try. */
interface Cause {
  loss: Loss;
  retry: boolean;
}

const START: Cause = { loss: 'start', retry: true };
const FULL: Cause = { loss: 'disk-full', retry: true };
const BUILD: Cause = { loss: 'build', retry: false };
const IMAGE: Cause = { loss: 'image', retry: false };
const MACHINE: Cause = { loss: 'machine', retry: false };

/** What an error's code says of its cause. */
const BY_CODE: Readonly<Record<string, Cause>> = {
  LAB_DISK_FULL: FULL,
  ENOSPC: FULL,
  EDQUOT: FULL,
  LAB_BUILD: BUILD,
  LAB_CONFIG: BUILD,
  LAB_PATCH: BUILD,
  LAB_SOURCE: BUILD,
  LAB_KERNEL_INVALID: IMAGE,
  LAB_FILE: IMAGE,
  INPUT_FILE: IMAGE,
  CAMPAIGN_OBJECT: IMAGE,
  CAMPAIGN_NUMA: MACHINE,
  CAMPAIGN_SOURCE: BUILD,
};

/** KVM, the lab, or what they need of the machine. */
const STARTS = /^(?:LAB|KVM|PROCESS|DMA|TRACE|WIRE|VMM|PROBE)(?:_|$)|^SYSTEM$/;

/** The cause of an error, by its code: an infrastructure's may go, the program's own stays. */
export const causeOf = (errorCode: string): Cause =>
  BY_CODE[errorCode] ?? (STARTS.test(errorCode) ? START : { loss: 'program', retry: false });

/** What is told of an error that is none of ours. */
const UNKNOWN = 'INTERNAL';

/** The code that says most of an error's cause: that of a full disk, if that is at the bottom of it. */
export function codeOf(error: unknown): string {
  const codes: string[] = [];
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code } = one as NodeJS.ErrnoException;
    if (typeof code === 'string') codes.push(code);
  }
  return codes.find((code) => BY_CODE[code] === FULL) ?? codes[0] ?? UNKNOWN;
}

/** What people call it. */
export const LOSS_WORDS: Readonly<Record<Loss, string>> = {
  'host-lost': 'its process or its machine was lost',
  start: 'KVM or the lab could not start',
  'disk-full': 'the disk was full',
  image: 'its kernel image is missing or not valid',
  build: 'its kernel does not build',
  machine: 'the machine has not what it needs',
  time: 'it took too long',
  program: 'the program failed',
};

/** Longest wait before a job is tried again. */
const MOST_WAIT_MS = 3_600_000;

/** How long to wait before the next try: twice as long each time. */
export const backoffMs = (seconds: number, losses: number): number =>
  Math.min(MOST_WAIT_MS, seconds * 1000 * 2 ** Math.max(0, losses - 1));
