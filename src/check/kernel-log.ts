import type { Environment, Recording } from '../recording/recording.js';
import { describeStep } from '../scenario/describe.js';
import type { Scenario } from '../scenario/types.js';
import type { Mismatch } from './verdict.js';

/** How the kernel begins to say that it is broken, and where it says so. Names of configurations: kernels that find more. */
const BEGINNINGS: readonly (readonly [begins: RegExp, source: string])[] = [
  [
    /^WARNING: /,
    'kernel/panic.c: __warn(), all of WARN_ON(); kernel/locking/lockdep.c with CONFIG_PROVE_LOCKING',
  ],
  [
    /^BUG: /,
    'arch/x86/mm/fault.c; kernel/sched/core.c; mm/kasan/report.c, mm/kfence/report.c, kernel/kcsan/report.c',
  ],
  [/^kernel BUG at /, 'lib/bug.c: report_bug(), all of BUG_ON()'],
  [
    /^(?:Oops: |Oops\b.*general protection fault|general protection fault|stack segment: |double fault: |divide error: |invalid opcode: )/,
    'arch/x86/kernel/dumpstack.c: __die_header(); arch/x86/kernel/traps.c',
  ],
  [/^unable to handle page fault /, 'arch/x86/mm/fault.c'],
  [
    /^(?:rcu: )?INFO: rcu\w* (?:self-)?detected /,
    'kernel/rcu/tree_stall.h: print_other_cpu_stall(), print_cpu_stall()',
  ],
  [/^INFO: task .* blocked for more than /, 'kernel/hung_task.c: check_hung_task()'],
  [/^(?:NMI )?watchdog: (?:BUG: |Watchdog detected hard LOCKUP)/, 'kernel/watchdog.c: soft and hard lockups'],
  [/^UBSAN: /, 'lib/ubsan.c: ubsan_prologue()'],
];
/** What ends the text of an oops or a WARN (kernel/panic.c, print_oops_end_marker()). */
const END = /^---\[ end trace /;
/** Lines that tell a reader nothing: rulers, and what is loaded. */
const DULL = /^(?:[-=*]+(?:\[.*)?$|Modules linked in:|\s*$)/;
const LINES_SHOWN = 3;
/** What a fault that we cause has in its text or its call trace: every way of ours into the kernel has one of these names. */
const OURS = /kvm|vmx|svm|vfio/i;

/** A cry of the kernel. */
interface Splat {
  step: number;
  lines: string[];
}

const begins = (text: string): boolean => BEGINNINGS.some(([beginning]) => beginning.test(text));

/** Every splat in what the kernel logged, each up to its end, to the next one, or to where the step ends. */
export function splatsIn(lines: readonly { step: number; text: string }[]): Splat[] {
  const splats: Splat[] = [];
  let open: Splat | undefined;
  for (const { step, text } of lines) {
    if (begins(text)) {
      open = { step, lines: [] };
      splats.push(open);
    }
    if (open?.step === step) open.lines.push(text);
    if (END.test(text) || open?.step !== step) open = undefined;
  }
  return splats;
}

/** The first lines of a splat that say something. */
const firstLines = ({ lines }: Splat): string =>
  lines
    .filter((line) => !DULL.test(line))
    .slice(0, LINES_SHOWN)
    .map((line) => line.trim())
    .join(' | ');

const isOurs = ({ lines }: Splat): boolean => lines.some((line) => OURS.test(line));

/** A warning that the model allows: in this step, by this function of the kernel. */
export interface AllowedWarning {
  step: number;
  warns: string;
}

const isAllowed = ({ step, lines }: Splat, allowed: readonly AllowedWarning[]): boolean =>
  allowed.some(
    (warning) =>
      warning.step === step && new RegExp(`^WARNING: .*\\b${warning.warns}\\+0x`).test(lines[0] ?? ''),
  );

function stepText(scenario: Scenario, index: number): string {
  const step = scenario.steps[index];
  if (step !== undefined) return describeStep(step);
  return index < 0 ? 'guest start' : 'the end, when everything is given back';
}

const isShared = (env: Environment): boolean => env.kernelLog === 'shared';

/** The kernel's warnings during a scenario that nothing allows; on a host that others use, those that are of KVM. */
export function logMismatches(
  scenario: Scenario,
  { kernelLog }: Recording,
  env: Environment,
  allowed: readonly AllowedWarning[],
): Mismatch[] {
  return splatsIn(kernelLog?.lines ?? [])
    .filter((splat) => !isAllowed(splat, allowed) && (!isShared(env) || isOurs(splat)))
    .map((splat) => ({
      step: splat.step + 1,
      stepText: stepText(scenario, splat.step),
      what: 'kernel log',
      expected: 'no warning of the kernel',
      seen: firstLines(splat),
      why: [],
    }));
}

/** What a kernel that others use too warned of, that is not ours: nothing to fail for. */
export const foreignWarnings = ({ kernelLog }: Recording, env: Environment): string[] =>
  isShared(env)
    ? splatsIn(kernelLog?.lines ?? [])
        .filter((splat) => !isOurs(splat))
        .map(firstLines)
    : [];

/** What keeps the log from being that of the whole run; undefined if nothing does. */
export function logFault({ kernelLog }: Recording, env: Environment): string | undefined {
  const isRead = typeof env.kernelLog === 'string';
  if (!isRead) return kernelLog === undefined ? undefined : 'it has a kernel log, which cannot be read there';
  if (kernelLog === undefined) return 'it has no kernel log';
  return kernelLog.lost === 0 ? undefined : `${kernelLog.lost} lines of the kernel log were lost`;
}
