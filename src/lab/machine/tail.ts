import { closeSync, fstatSync, openSync, readSync, watch, writeFileSync } from 'node:fs';
import { LineSplitter } from '../../process/lines.js';

const CHUNK = 1 << 16;

/** Follow a file that another process appends to, and hand out its lines as they come. */
export class LineTail {
  private readonly fd: number;
  private readonly watcher;
  private readonly buffer = Buffer.alloc(CHUNK);
  /** Bytes that were read. */
  position = 0;
  private readonly lines: LineSplitter;

  /** Creates the file. `limit`: bytes after which the rest is ignored and `onFull` is called once. */
  constructor(
    path: string,
    onLine: (line: string) => void,
    private readonly limit: number,
    private readonly onFull: () => void,
  ) {
    this.lines = new LineSplitter(onLine);
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
      this.lines.push(this.buffer.subarray(0, count));
      if (this.position >= this.limit) {
        this.onFull();
        return;
      }
    }
  }

  /** Stop following; hands out what is left, an unfinished last line too. */
  close(): void {
    this.watcher.close();
    this.read();
    closeSync(this.fd);
    this.lines.end();
  }
}
