import { closeSync, fstatSync, openSync, readSync, watch, writeFileSync } from 'node:fs';

/** Longest line that is passed on whole; the guest is not trusted to end its lines. */
const LINE_LIMIT = 1 << 20;
const CHUNK = 1 << 16;

/** Follow a file that another process appends to, and hand out its lines as they come. */
export class LineTail {
  private readonly fd: number;
  private readonly watcher;
  private readonly buffer = Buffer.alloc(CHUNK);
  private position = 0;
  private rest = '';
  private readonly decoder = new TextDecoder();

  /** Creates the file. `limit`: bytes after which the rest is ignored and `onFull` is called once. */
  constructor(
    path: string,
    private readonly onLine: (line: string) => void,
    private readonly limit: number,
    private readonly onFull: () => void,
  ) {
    writeFileSync(path, '');
    this.fd = openSync(path, 'r');
    this.watcher = watch(path, () => this.read());
  }

  /** Read what is there by now. */
  read(): void {
    if (this.position >= this.limit) return;
    for (;;) {
      // The emulator truncates the file when it opens it: nothing was in it before.
      if (fstatSync(this.fd).size <= this.position) return;
      const count = readSync(this.fd, this.buffer, 0, CHUNK, this.position);
      if (count === 0) return;
      this.position += count;
      this.push(this.decoder.decode(this.buffer.subarray(0, count), { stream: true }));
      if (this.position >= this.limit) {
        this.onFull();
        return;
      }
    }
  }

  private push(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() as string;
    if (this.rest.length > LINE_LIMIT) {
      lines.push(this.rest);
      this.rest = '';
    }
    for (const line of lines) this.onLine(line.replace(/\r+$/, ''));
  }

  /** Stop following; hands out what is left, an unfinished last line too. */
  close(): void {
    this.watcher.close();
    this.read();
    closeSync(this.fd);
    if (this.rest !== '') this.onLine(this.rest);
    this.rest = '';
  }
}
