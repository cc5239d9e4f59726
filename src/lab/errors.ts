/** What can go wrong while the lab is prepared. What goes wrong inside a running lab is a LabOutcome instead. */
export type LabErrorCode =
  | 'LAB_TOOL_MISSING'
  | 'LAB_SOURCE'
  | 'LAB_DOWNLOAD'
  | 'LAB_CONFIG'
  | 'LAB_PATCH'
  | 'LAB_BUILD'
  | 'LAB_DISK_FULL'
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
