import type { KernelLog } from '../observe/kernel-log.js';
import { KERNEL_LINE_LENGTH, KERNEL_LINES, type KernelLogRecord } from '../recording/kernel-log.js';

/** Collects what the kernel logs while one scenario runs, by the step that was being taken. */
export class ScenarioLog {
  readonly #record = { lines: [] as KernelLogRecord['lines'][number][], lost: 0 };

  constructor(readonly source: Pick<KernelLog, 'take'> | undefined) {}

  /** Take what was logged since the last call; it belongs to `step`. */
  take(step: number): void {
    const part = this.source?.take();
    if (part === undefined) return;
    const room = KERNEL_LINES - this.#record.lines.length;
    for (const text of part.lines.slice(0, room))
      this.#record.lines.push({ step, text: text.slice(0, KERNEL_LINE_LENGTH) });
    this.#record.lost += part.lost + Math.max(part.lines.length - room, 0);
  }

  /** What it adds to the recording; nothing where there is no log. */
  field(): { kernelLog?: KernelLogRecord } {
    return this.source === undefined ? {} : { kernelLog: this.#record };
  }
}
