import { rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import { afterAll } from 'vitest';

// Two levels below the root, as src/kvm/native.ts wants it.
const OUT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', 'build', 'test');

/** Bundle a TypeScript program into one file that a worker or a process can run, until the test file has ended. */
export function bundle(entry: URL): string {
  const source = fileURLToPath(entry);
  const outfile = join(OUT, `${source.replace(/.*\//, '').replace(/\.ts$/, '')}-${process.pid}.mjs`);
  buildSync({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
  });
  afterAll(() => rmSync(outfile, { force: true }));
  return outfile;
}

/** A worker whose messages can be awaited one at a time. */
export class TestWorker {
  readonly #worker: Worker;
  readonly #messages: unknown[] = [];
  readonly #waiting: { resolve: (message: unknown) => void; reject: (error: Error) => void }[] = [];
  readonly exited: Promise<number>;

  constructor(file: string, workerData: unknown) {
    this.#worker = new Worker(file, { workerData });
    this.#worker.on('message', (message) => {
      const waiting = this.#waiting.shift();
      if (waiting) waiting.resolve(message);
      else this.#messages.push(message);
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.exited = new Promise((done) => this.#worker.on('exit', done));
    void this.exited.then(() => this.#fail(new Error('the worker ended')));
  }

  /** The next message. */
  next<T>(): Promise<T> {
    if (this.#messages.length > 0) return Promise.resolve(this.#messages.shift() as T);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: resolve as (message: unknown) => void, reject });
    });
  }

  terminate(): Promise<number> {
    return this.#worker.terminate();
  }

  #fail(error: Error): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
