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

const NO_PROCESS = 'no more processes can be started: the limit is reached';
const NO_MEMORY = 'there is not enough memory';

/** What tools and their makers' libraries say when the machine has no more of something. */
const EXHAUSTED: readonly [said: RegExp, code: LabErrorCode, reason: string][] = [
  [/No space left on device|Disk quota exceeded|\b(?:ENOSPC|EDQUOT)\b/, 'LAB_DISK_FULL', 'the disk is full'],
  [/fork\b.*Resource temporarily unavailable|[Cc]annot fork|\bEAGAIN\b/, 'LAB_RESOURCES', NO_PROCESS],
  [/Cannot allocate memory|virtual memory exhausted|\bENOMEM\b/, 'LAB_RESOURCES', NO_MEMORY],
];

/** The error to tell when a tool's output, or a system error's message, says that the machine has no more of something. */
export function exhausted(what: string, lines: readonly string[]): LabError | undefined {
  const found = EXHAUSTED.find(([said]) => lines.some((line) => said.test(line)));
  return found && new LabError(found[1], `${what}: ${found[2]}`, lines);
}

/** What to throw for the error of a system call: what exhausted() makes of it, else the error itself. */
export function orExhausted(what: string, error: unknown): unknown {
  const { syscall, message } = error as NodeJS.ErrnoException;
  return (syscall === undefined ? undefined : exhausted(what, [message])) ?? error;
}
