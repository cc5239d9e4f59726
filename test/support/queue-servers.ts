import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratchDir } from './fake-host.js';
import { freePort } from './tcp.js';

/** Where Debian's package has it. */
const REDIS = '/usr/bin/redis-server';
const POLL_MS = 20;

/** Where Debian's package has PostgreSQL's programs, of the newest version that there is. */
function postgresPrograms(): string | undefined {
  const all = '/usr/lib/postgresql';
  const versions = existsSync(all) ? readdirSync(all).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(all, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

/** Whether the server at a port answers what it is asked. */
const answers = (port: number, question: Buffer | string, wanted: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('data', (data) => {
      resolve(data.toString().startsWith(wanted));
      socket.destroy();
    });
    socket.write(question);
  });

/** A server for queues, which keeps what it is told, for a test. */
export abstract class TestServer {
  protected readonly folder = scratchDir();
  #child: ChildProcess | undefined;

  /** Of its address. */
  readonly password: string | undefined;

  protected constructor(readonly port: number) {}

  get #isOver(): boolean {
    return this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Its address, by this port if it is reached by another one. */
  abstract url(port?: number): string;
  /** What it takes to keep what it was told. */
  abstract bytes(): number;
  protected abstract command(): readonly [tool: string, ...args: string[]];
  protected abstract isUp(): Promise<boolean>;

  /** Start it with what it knew when it was killed. */
  async start(): Promise<void> {
    const [tool, ...args] = this.command();
    do {
      // PostgreSQL does not start before the last process of the one that was killed is gone.
      if (this.#isOver) this.#child = spawn(tool, args, { stdio: 'ignore' });
      await sleep(POLL_MS);
    } while (!(await this.isUp()));
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.#isOver) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** A Redis, for a test. */
export class TestRedis extends TestServer {
  static async start(...more: string[]): Promise<TestRedis | undefined> {
    if (!existsSync(REDIS)) return undefined;
    const redis = new TestRedis(await freePort(), more);
    await redis.start();
    return redis;
  }

  private constructor(
    port: number,
    private readonly more: readonly string[],
  ) {
    super(port);
  }

  url(port = this.port): string {
    return `redis://127.0.0.1:${port}`;
  }

  bytes(): number {
    const told = execFileSync('redis-cli', ['-p', String(this.port), 'info', 'memory'], { encoding: 'utf8' });
    return Number(/^used_memory:(\d+)/m.exec(told)?.[1]);
  }

  protected command(): readonly [string, ...string[]] {
    const keeps = ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'];
    const where = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder];
    return [REDIS, ...where, ...keeps, '--save', '', ...this.more];
  }

  protected isUp(): Promise<boolean> {
    return answers(this.port, 'PING\r\n', '+PONG');
  }
}

const USER = 'kvm-memtype';
const PASSWORD = 'not-to-be-told';
/** It refuses to be root. */
const AS_OTHER =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
/** Asks whether TLS is there; any server that is up says yes or no. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** A PostgreSQL with a user that has a password, for a test. */
export class TestPostgres extends TestServer {
  override readonly password = PASSWORD;

  static async start(): Promise<TestPostgres | undefined> {
    const programs = postgresPrograms();
    if (programs === undefined) return undefined;
    const postgres = new TestPostgres(await freePort(), programs);
    postgres.#init();
    await postgres.start();
    const user = `CREATE USER "${USER}" PASSWORD '${PASSWORD}'`;
    while (postgres.sql(user) === undefined) await sleep(POLL_MS);
    postgres.sql(`CREATE DATABASE "${USER}" OWNER "${USER}"`);
    return postgres;
  }

  private constructor(
    port: number,
    private readonly programs: string,
  ) {
    super(port);
  }

  #as(program: string, ...args: string[]): [string, ...string[]] {
    return [...AS_OTHER, join(this.programs, program), ...args] as [string, ...string[]];
  }

  #init(): void {
    if (AS_OTHER.length > 0) {
      const [uid, gid] = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, 'postgres'])));
      chownSync(this.folder, uid as number, gid as number);
    }
    chmodSync(this.folder, 0o700);
    const [tool, ...args] = this.#as(
      'initdb',
      '-D',
      this.folder,
      '-U',
      'postgres',
      '--no-sync',
      '--auth-local=trust',
      '--auth-host=scram-sha-256',
    );
    execFileSync(tool, args, { stdio: 'ignore' });
  }

  /** What it answers its owner, undefined if it does not. */
  sql(text: string): string | undefined {
    const where = ['-h', this.folder, '-p', String(this.port), '-U', 'postgres', '-d', 'postgres'];
    const [tool, ...args] = this.#as('psql', ...where, '-qAtc', text);
    try {
      return execFileSync(tool, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      return undefined;
    }
  }

  bytes(): number {
    return Number(this.sql(`SELECT pg_database_size('${USER}')`));
  }

  url(port = this.port): string {
    return `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${USER}`;
  }

  protected command(): readonly [string, ...string[]] {
    const where = ['-D', this.folder, '-p', String(this.port), '-k', this.folder];
    return this.#as('postgres', ...where, '-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=200');
  }

  protected isUp(): Promise<boolean> {
    return answers(this.port, SSL_REQUEST, 'N');
  }
}
