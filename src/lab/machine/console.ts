const TAIL_LINES = 60;
const WARNING_LIMIT = 20;

const PANIC = /Kernel panic - not syncing: (.*)/;
const OOPS =
  /\b(?:BUG: .*|kernel BUG at .*|Oops: .*|general protection fault.*|stack segment.*|double fault.*|divide error:.*)/;
const WARNING = /\bWARNING: .*/;
const INIT = /Run \S+ as init process/;
const PANIC_END = /---\[ end Kernel panic/;

/** Reads a kernel's console and keeps what a verdict needs. */
export class ConsoleWatch {
  private readonly lines: string[] = [];
  panic: string | undefined;
  /** The first oops; with oops=panic a panic follows it. */
  oops: string | undefined;
  /** WARN_ON and friends since init ran: the kernel goes on. What a boot on an emulator warns of says nothing of KVM. */
  readonly warnings: string[] = [];
  /** The panic was printed to its end. */
  panicComplete = false;

  /** @param booted whether the kernel has run its init already */
  constructor(private booted = false) {}

  line(text: string): void {
    this.lines.push(text);
    if (this.lines.length > TAIL_LINES) this.lines.shift();
    this.oops ??= this.panic === undefined ? OOPS.exec(text)?.[0] : undefined;
    this.panic ??= PANIC.exec(text)?.[1];
    const warning = WARNING.exec(text)?.[0];
    if (INIT.test(text)) this.booted = true;
    if (warning && this.booted && this.warnings.length < WARNING_LIMIT) this.warnings.push(warning);
    if (PANIC_END.test(text)) this.panicComplete = true;
  }

  tail(): string[] {
    return [...this.lines];
  }
}
