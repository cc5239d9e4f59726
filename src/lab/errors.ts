/** What can go wrong while the lab is prepared. What goes wrong inside a running lab is a LabOutcome instead. */
export type LabErrorCode =
  | 'LAB_TOOL_MISSING'
  | 'LAB_SOURCE'
  | 'LAB_DOWNLOAD'
  | 'LAB_CONFIG'
  | 'LAB_PATCH'
  | 'LAB_BUILD'
  | 'LAB_DISK_FULL'
  | 'LAB_RESOURCES'
  | 'LAB_KERNEL_INVALID'
  | 'LAB_FILE'
  | 'LAB_CACHE'
  | 'LAB_TEMPORARY'
  | 'LAB_ABORTED';

/** An error with a stable code; the message is one sentence for the user, `tail` the last lines of the tool's output. */
export class LabError extends Error {
  override readonly name = 'LabError';

  constructor(
    readonly code: LabErrorCode,
    message: string,
    readonly tail: readonly string[] = [],
  ) {
    super(message);
  }
}

type Exhaustion = readonly [code: LabErrorCode, reason: string];
const DISK: Exhaustion = ['LAB_DISK_FULL', 'the disk is full'];
const PROCESSES: Exhaustion = ['LAB_RESOURCES', 'no more processes can be started: the limit is reached'];
const MEMORY: Exhaustion = ['LAB_RESOURCES', 'there is not enough memory'];

/** What tools say when the machine has no more of something. */
const SAID: readonly [RegExp, Exhaustion][] = [
  [/No space left on device|Disk quota exceeded/, DISK],
  [/fork\b.*Resource temporarily unavailable|[Cc]annot fork/, PROCESSES],
  [/Cannot allocate memory|virtual memory exhausted/, MEMORY],
];

const BY_ERRNO: Readonly<Record<string, Exhaustion>> = {
  ENOSPC: DISK,
  EDQUOT: DISK,
  EAGAIN: PROCESSES,
  ENOMEM: MEMORY,
};

/** A line of a program that a compiler quotes: what stands there was not said. */
const QUOTED = /^\s*\d*\s*\|/;

/** The error to tell when a tool's output says that the machine has no more of something. */
export function exhausted(what: string, lines: readonly string[]): LabError | undefined {
  const said = lines.filter((line) => !QUOTED.test(line));
  const [, found] = SAID.find(([words]) => said.some((line) => words.test(line))) ?? [];
  return found && new LabError(found[0], `${what}: ${found[1]}`, lines);
}

/** What to throw for the error of a system call: that the machine has no more of something, else the error itself. */
export function orExhausted(what: string, error: unknown): unknown {
  const { syscall, code = '' } = error as NodeJS.ErrnoException;
  const found = syscall === undefined ? undefined : BY_ERRNO[code];
  return found ? new LabError(found[0], `${what}: ${found[1]}`) : error;
}
