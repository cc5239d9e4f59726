/** Most lines that a recording keeps of the kernel's log: a warning with its call trace has about fifty. */
export const KERNEL_LINES = 1000;
/** Most characters that are kept of a line. */
export const KERNEL_LINE_LENGTH = 500;

/** What the kernel logged as a warning or worse while a scenario ran. */
export interface KernelLogRecord {
  /** In order; `step` is the one that was being taken, the number of steps once all were. */
  lines: readonly { step: number; text: string }[];
  /** How many more records there were. */
  lost: number;
}
