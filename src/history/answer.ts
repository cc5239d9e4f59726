import { deathText } from '../report/formats/crash.js';
import { isBad } from '../report/summary.js';
import type { ResultSet, ScenarioResult } from '../report/types.js';

/** The exit statuses that `git bisect run` knows: git-bisect(1), "Bisect run". */
export const BISECT = {
  good: 0,
  bad: 1,
  /** This commit cannot be tested. */
  skip: 125,
  /** Any status above 127: the bisection ends, as its next answers would be worth nothing either. */
  stop: 128,
} as const;

/** What is said of one commit, and why. */
export interface Answer {
  status: (typeof BISECT)[keyof typeof BISECT];
  text: string;
}

const nameOf = ({ family, name }: ScenarioResult): string => `${family}/${name}`;

function firstFault({ failures, error }: ScenarioResult): string {
  const [first] = failures;
  if (first === undefined) return error ?? 'no reason is known';
  return `step ${first.step}: ${first.what}: expected ${first.expected}; seen ${first.seen}`;
}

/** The kernel itself died, and not its emulator or our own program. */
const KERNEL_DEATHS = ['panic', 'oops'];

const hasBegun = ({ scenarios }: Results): boolean => scenarios.some(({ status }) => status !== 'skip');

function badOf(results: Results): string | undefined {
  const { scenarios, crashed } = results;
  const failed = scenarios.filter(({ status }) => status === 'fail');
  const [first] = failed;
  if (first !== undefined)
    return `${failed.length} of ${scenarios.length} failed; ${nameOf(first)}, ${firstFault(first)}`;
  if (crashed === undefined || !KERNEL_DEATHS.includes(crashed.kind) || !hasBegun(results)) return undefined;
  const running = scenarios.find(({ status }) => status === 'error');
  return `${deathText(crashed)}${running === undefined ? '' : ` while ${nameOf(running)} ran`}`;
}

/** What of a kernel's results an answer needs. */
export type Results = Pick<ResultSet, 'scenarios' | 'crashed'>;

/** What comes of the scenarios: only what passed is good, only what failed, or what the kernel died of, is bad. */
export function answerOf(results: Results): Answer {
  const { scenarios, crashed } = results;
  const bad = badOf(results);
  if (bad !== undefined) return { status: BISECT.bad, text: bad };
  if (crashed !== undefined)
    return {
      status: BISECT.skip,
      text: `${hasBegun(results) ? '' : 'it does not boot: '}${deathText(crashed)}`,
    };
  const open = scenarios.find(({ status }) => isBad(status));
  if (open !== undefined)
    return { status: BISECT.skip, text: `${nameOf(open)} has no verdict: ${firstFault(open)}` };
  const passed = scenarios.filter(({ status }) => status === 'pass').length;
  const skipped = scenarios.length - passed;
  if (passed === 0)
    return {
      status: BISECT.skip,
      text: `everything was skipped: ${scenarios[0]?.skip?.reason ?? 'there is no scenario'}`,
    };
  const rest = skipped === 0 ? '' : `, ${skipped} skipped`;
  return { status: BISECT.good, text: `${passed} of ${scenarios.length} scenarios passed${rest}` };
}

/** Errors that are this commit's own, each with what it says of it. All others would meet every commit. */
const OF_COMMIT: Readonly<Record<string, string>> = {
  LAB_BUILD: 'it does not build',
  LAB_CONFIG: 'it cannot be configured',
  LAB_PATCH: 'a patch does not apply to it',
  LAB_KERNEL_INVALID: 'it gives no kernel image that boots',
  KVM_OPEN: 'its KVM cannot be used',
  KVM_IOCTL: 'its KVM cannot be used',
  TRACE: 'its KVM cannot be watched',
  PROBE_BOOT: 'its KVM runs no guest',
};

/** What comes of an error in place of results; undefined if it is none of the commit's. */
export function answerOfError(error: unknown): Answer | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || !Object.hasOwn(OF_COMMIT, code)) return undefined;
  return { status: BISECT.skip, text: `${OF_COMMIT[code]}: ${String(message)}` };
}
