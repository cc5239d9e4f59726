import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { exhausted, LabError, orExhausted } from './errors.js';

export interface ExecOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Abort stops the tool with SIGTERM, and the call fails with LAB_ABORTED. */
  signal?: AbortSignal | undefined;
  /** Called for each line of output, stdout and stderr alike. */
  onLine?: (line: string) => void;
  /** Run at low priority. */
  nice?: boolean;
}

export interface ExecResult {
  status: number;
  stdout: string;
  /** The last lines of both streams. */
  tail: string[];
}

const TAIL_LINES = 40;
const STDOUT_LIMIT = 4 << 20;

/** Debian packages of the tools this folder calls, for the message when one is missing. */
const PACKAGE_OF: Record<string, string> = {
  'apt-get': 'apt',
  'apt-cache': 'apt',
  'dpkg-deb': 'dpkg',
  'bochs-bin': 'bochs',
  isolinux: 'isolinux',
  'qemu-system-x86_64': 'qemu-system-x86',
  flock: 'util-linux',
  setpriv: 'util-linux',
  xz: 'xz-utils',
};

export function toolMissing(tool: string): LabError {
  const reason = process.env.PATH
    ? `is not installed: apt-get install ${PACKAGE_OF[tool] ?? tool}`
    : 'cannot be found: PATH is empty';
  return new LabError('LAB_TOOL_MISSING', `${tool} ${reason}`);
}

/** Why a tool could not be started at all. */
export function cannotStart(tool: string, error: unknown): LabError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return toolMissing(tool);
  const cause = orExhausted(`cannot start ${tool}`, error);
  return cause instanceof LabError
    ? cause
    : new LabError('LAB_RESOURCES', `cannot start ${tool}: ${message}`);
}

/**
 * Run a tool to its end. The tool dies with this process, however that ends.
 *
 * @throws LabError LAB_TOOL_MISSING, LAB_RESOURCES, LAB_ABORTED. A non-zero status is returned, not thrown.
 */
export function exec(tool: string, args: readonly string[], o: ExecOptions = {}): Promise<ExecResult> {
  if (o.signal?.aborted) return Promise.reject(aborted(tool));
  const nice = o.nice ? ['nice', '-n', '10'] : [];
  const argv = ['--pdeathsig', 'TERM', ...nice, tool, ...args];
  const child = spawn('setpriv', argv, {
    cwd: o.cwd,
    env: { ...(o.env ?? process.env), LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const tail: string[] = [];
  let stdout = '';
  const onLine = (line: string): void => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    o.onLine?.(line);
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (stdout.length < STDOUT_LIMIT) stdout += `${line}\n`;
    onLine(line);
  });
  createInterface({ input: child.stderr }).on('line', onLine);
  const stop = (): boolean => child.kill('SIGTERM');
  o.signal?.addEventListener('abort', stop, { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(cannotStart('setpriv', error)));
    child.once('close', (code, killedBy) => {
      o.signal?.removeEventListener('abort', stop);
      if (o.signal?.aborted) return reject(aborted(tool));
      if ((code === 127 || code === 1) && notFound(tail, tool)) return reject(toolMissing(tool));
      resolve({ status: code ?? (killedBy ? 128 : 1), stdout, tail });
    });
  });
}

/** setpriv and nice report a tool that is not there each in their own words. */
function notFound(tail: readonly string[], tool: string): boolean {
  return tail.some(
    (line) =>
      line.includes(tool) && line.includes('No such file or directory') && /^(setpriv|nice):/.test(line),
  );
}

function aborted(tool: string): LabError {
  return new LabError('LAB_ABORTED', `${tool} was stopped`);
}

/** As exec, and a non-zero status is an error of the code given; a full disk and the like are told apart. */
export async function mustExec(
  tool: string,
  args: readonly string[],
  o: ExecOptions & { code: ConstructorParameters<typeof LabError>[0]; what: string },
): Promise<ExecResult> {
  const result = await exec(tool, args, o);
  if (result.status === 0) return result;
  throw (
    exhausted(o.what, result.tail) ??
    new LabError(o.code, `${o.what}: ${tool} failed with status ${result.status}`, result.tail)
  );
}
