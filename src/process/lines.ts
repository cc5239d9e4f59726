/** Longest line that is handed out whole: whoever writes is not trusted to end it. */
const LINE_LIMIT = 1 << 20;

/** Cuts bytes of UTF-8 into lines as they come, without their ends; a line that is too long is handed out in pieces. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #limit: number;
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(onLine: (line: string) => void, limit = LINE_LIMIT) {
    this.#onLine = onLine;
    this.#limit = limit;
  }

  push(bytes: Uint8Array): void {
    const lines = this.#decoder.decode(bytes, { stream: true }).split('\n');
    const rest = lines.pop() as string;
    for (const line of lines) {
      this.#onLine((this.#rest + line).replace(/\r+$/, ''));
      this.#rest = '';
    }
    this.#rest += rest;
    if (this.#rest.length > this.#limit) this.end();
  }

  /** Hand out what is left: an unfinished last line. */
  end(): void {
    if (this.#rest !== '') this.#onLine(this.#rest);
    this.#rest = '';
  }
}
