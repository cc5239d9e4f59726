import type { ConsoleWatch } from './console.js';
import { NEXT_JOB } from './run.js';

/** How a lab run ended. */
export type LabOutcome =
  | {
      kind: 'done';
      /** The agent's exit status; 128 + n if signal n ended it. */
      status: number;
      /** WARN_ON and the like that the kernel printed on its way. */
      kernelWarnings: string[];
    }
  | {
      /** Who died: the kernel (`panic`, `oops`), the emulator, or the machine, which went off (`no-agent`). */
      kind: 'panic' | 'oops' | 'timeout' | 'emulator-died' | 'no-agent';
      reason: string;
      consoleTail: string[];
    };

type Failure = Exclude<LabOutcome['kind'], 'done'>;

const START_MARK = '#lab start';
const EXIT_MARK = /^#lab exit (\d{3})$/;

/** Follows both serial ports of a run and tells how it ended. */
export class RunWatch {
  onStop: () => void = () => {};
  /** The agent has done its job, and waits for another one. */
  onWaits: () => void = () => {};
  panicGraceMs = 0;
  private started = false;
  private waits = false;
  private status: number | undefined;
  private stopped: { kind: Failure; reason: string } | undefined;
  private grace: NodeJS.Timeout | undefined;

  constructor(
    private readonly watch: ConsoleWatch,
    private readonly sink: {
      onLine: (line: string) => void;
      onConsole?: (line: string) => void;
      onStart?: () => void;
    },
  ) {}

  console(line: string): void {
    this.watch.line(line);
    this.sink.onConsole?.(line);
    if (this.watch.panicComplete) this.onStop();
    else if (this.watch.panic !== undefined) this.grace ??= setTimeout(this.onStop, this.panicGraceMs);
  }

  result(line: string): void {
    const exit = EXIT_MARK.exec(line);
    if (exit) this.status ??= Number(exit[1]);
    else if (line === NEXT_JOB.waits) this.rest();
    else if (line === START_MARK) this.start();
    else if (line !== '' && this.status === undefined) this.sink.onLine(line);
  }

  private start(): void {
    this.started = true;
    this.sink.onStart?.();
  }

  /** Whether the agent waits, and nothing has been heard of the kernel that keeps it from more. */
  get isWell(): boolean {
    return this.waits && this.watch.oops === undefined && this.watch.panic === undefined;
  }

  private rest(): void {
    this.waits = true;
    this.status ??= 0;
    this.onWaits();
  }

  /** End the run for a reason of the host's own. */
  stopFor(kind: Failure, reason: string): void {
    this.stopped ??= { kind, reason };
    this.onStop();
  }

  consoleTail(): string[] {
    return this.watch.tail();
  }

  /** Call once the emulator has ended and both ports were read to their end. */
  outcome(ended: { status: number | null; killedBy: string | null }, log: string): LabOutcome {
    const fail = (kind: Failure, reason: string): LabOutcome => ({
      kind,
      reason,
      consoleTail: this.watch.tail(),
    });
    const { oops, panic, warnings } = this.watch;
    if (oops !== undefined) return fail('oops', oops);
    if (panic !== undefined) return fail('panic', `Kernel panic: ${panic}`);
    if (this.status !== undefined) return { kind: 'done', status: this.status, kernelWarnings: warnings };
    if (this.stopped) return fail(this.stopped.kind, this.stopped.reason);
    if (ended.killedBy) return fail('emulator-died', `the emulator was ended by ${ended.killedBy}`);
    if (!poweredOff(ended.status, log)) return fail('emulator-died', emulatorReason(ended.status, log));
    return fail(
      'no-agent',
      this.started
        ? 'the machine went off before the agent ended'
        : 'the machine went off before it ran the agent',
    );
  }

  dispose(): void {
    clearTimeout(this.grace);
  }
}

/** QEMU ends with 0 on power-off, Bochs with 1 after it said so in its log. */
function poweredOff(status: number | null, log: string): boolean {
  return status === 0 || /soft power off/i.test(log);
}

function emulatorReason(status: number | null, log: string): string {
  const panic = /PANIC\]?\s*(.+)/.exec(log)?.[1] ?? log.trim().split('\n').at(-1)?.trim();
  return `the emulator ended with status ${status}${panic ? `: ${panic}` : ''}`;
}
