/** What keeps a child from its end, or a lock from being had. */
type ProcessErrorCode = 'PROCESS_MISSING' | 'PROCESS_START' | 'PROCESS_ABORTED' | 'PROCESS_LOCK';

/** A tool is not installed or could not be started, an abort ended it, or it could not lock a file. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly tail: readonly string[];

  /**
   * @param tool the program that it is about
   * @param more what it said, and the error of the system call
   */
  constructor(
    readonly code: ProcessErrorCode,
    message: string,
    readonly tool: string,
    { tail = [], ...more }: ErrorOptions & { tail?: readonly string[] } = {},
  ) {
    super(message, more);
    this.tail = tail;
  }
}

/** The error for a tool that the system does not start. */
export const cannotStart = (tool: string, cause: unknown): ProcessError =>
  new ProcessError('PROCESS_START', `cannot start ${tool}: ${(cause as Error).message}`, tool, { cause });
