import { type ChildProcess, spawn } from 'node:child_process';
import { cannotStart, ProcessError } from './errors.js';
import { LineSplitter } from './lines.js';

/** How a child is run. */
export interface ChildOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** What an error calls it, if not by its tool's name. */
  what?: string;
  /** Run at low priority. */
  nice?: boolean;
  /** A signal that it is never given. */
  withoutSignal?: 'ALRM';
  /** Keep the terminal's Ctrl-C away: we end the child, so that it is not taken for dead. */
  detached?: boolean;
  /** What the child reads from its standard input; nothing if not given. */
  input?: string;
  /** Ends the child at an abort, at the time limit, and when this process dies, however that is. */
  endBy: 'SIGTERM' | 'SIGKILL';
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  onStdout?: (line: string) => void;
  onStderr?: (line: string) => void;
  /** Leave standard output out of the tail. */
  resultsOnStdout?: boolean;
}

/** How a child ended. */
export interface ChildEnd {
  /** Null if a signal ended it. */
  status: number | null;
  killedBy: NodeJS.Signals | null;
  timedOut: boolean;
  /** The last lines of its output. */
  tail: string[];
}

/** A child that runs. */
export interface Child {
  stop(): void;
  /** Have it stand still until it is resumed, or stopped. */
  pause(): void;
  resume(): void;
  /** Rejects with a ProcessError. */
  ended: Promise<ChildEnd>;
}

const TAIL_LINES = 40;
/** A recording is one line. */
const LINE_LIMIT = 64 << 20;

/**
 * Start a tool that dies with this process, however that ends.
 * @throws ProcessError PROCESS_ABORTED if it is not to be started any more
 */
export function startChild(tool: string, args: readonly string[], o: ChildOptions): Child {
  if (o.signal?.aborted) throw aborted(tool, o);
  const nice = o.nice ? ['nice', '-n', '10'] : [];
  const blocking = o.withoutSignal === undefined ? [] : ['env', `--block-signal=${o.withoutSignal}`];
  const before = ['--pdeathsig', o.endBy.slice(3), ...nice, ...blocking];
  const child = spawn('setpriv', [...before, tool, ...args], {
    cwd: o.cwd,
    env: o.env,
    stdio: [o.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: o.detached,
  });
  child.stdin?.on('error', () => {}); // It died before it read all: how it ended says more.
  child.stdin?.end(o.input);
  const give = (name: NodeJS.Signals) => () => void child.kill(name);
  return {
    stop: give(o.endBy),
    pause: give('SIGSTOP'),
    resume: give('SIGCONT'),
    ended: end(child, tool, o),
  };
}

/** Run a tool to its end, as startChild() does. */
export async function runChild(tool: string, args: readonly string[], o: ChildOptions): Promise<ChildEnd> {
  return startChild(tool, args, o).ended;
}

function end(child: ChildProcess, tool: string, o: ChildOptions): Promise<ChildEnd> {
  const tail: string[] = [];
  const keep = (line: string): void => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
  };
  const outputs = [
    follow(child.stdout, o.resultsOnStdout ? undefined : keep, o.onStdout),
    follow(child.stderr, keep, o.onStderr),
  ];
  let timedOut = false;
  const stop = (): void => void child.kill(o.endBy);
  const onTimeout = (): void => {
    timedOut = true;
    stop();
  };
  const timer = o.timeoutMs === undefined ? undefined : setTimeout(onTimeout, o.timeoutMs);
  o.signal?.addEventListener('abort', stop, { once: true });
  return new Promise<ChildEnd>((resolve, reject) => {
    child.once('error', (cause) => reject(cannotStart('setpriv', cause)));
    child.once('close', (status, killedBy) => {
      for (const output of outputs) output.end();
      if (o.signal?.aborted) reject(aborted(tool, o));
      else if (isMissing(tool, status, tail))
        reject(new ProcessError('PROCESS_MISSING', `${tool} is not installed`, tool));
      else resolve({ status, killedBy, timedOut, tail });
    });
  }).finally(() => {
    clearTimeout(timer);
    o.signal?.removeEventListener('abort', stop);
  });
}

type Sink = ((line: string) => void) | undefined;

function follow(stream: ChildProcess['stdout'], ...sinks: Sink[]): LineSplitter {
  const lines = new LineSplitter((line) => {
    for (const sink of sinks) sink?.(line);
  }, LINE_LIMIT);
  stream?.on('data', (bytes: Buffer) => lines.push(bytes));
  return lines;
}

/** setpriv, nice and env report a tool that is not there each in their own words: in English, if LC_ALL says so. */
function isMissing(tool: string, status: number | null, tail: readonly string[]): boolean {
  if (status !== 127 && status !== 1) return false;
  const said = (line: string): boolean =>
    /^(setpriv|nice|env):/.test(line) && line.includes(tool) && line.includes('No such file or directory');
  return tail.some(said);
}

const aborted = (tool: string, { what = tool }: ChildOptions): ProcessError =>
  new ProcessError('PROCESS_ABORTED', `${what} was stopped`, tool);
