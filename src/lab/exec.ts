import { runChild } from '../process/child.js';
import { ProcessError } from '../process/errors.js';
import { withLock as holdLock, type LockOptions } from '../process/lock.js';
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

const STDOUT_LIMIT = 4 << 20;

/** Debian packages of the tools this folder calls, for the message when one is missing. */
const PACKAGE_OF: Record<string, string> = {
  'apt-get': 'apt',
  'apt-cache': 'apt',
  'dpkg-deb': 'dpkg',
  'dpkg-query': 'dpkg',
  'dpkg-source': 'dpkg-dev',
  diff: 'diffutils',
  gcov: 'gcc',
  genhtml: 'lcov',
  'bochs-bin': 'bochs',
  isolinux: 'isolinux',
  'qemu-system-x86_64': 'qemu-system-x86',
  flock: 'util-linux',
  setpriv: 'util-linux',
  xz: 'xz-utils',
};

function toolMissing(tool: string): LabError {
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

/** What to throw for an error of a child or a lock: the lab's own, else the error itself. `tail` is told of one that was stopped. */
export function labError(error: unknown, tail: readonly string[] = []): unknown {
  if (!(error instanceof ProcessError)) return error;
  switch (error.code) {
    case 'PROCESS_MISSING':
      return toolMissing(error.tool);
    case 'PROCESS_START':
      return cannotStart(error.tool, error.cause);
    case 'PROCESS_ABORTED':
      return new LabError('LAB_ABORTED', error.message, tail);
    case 'PROCESS_LOCK':
      return new LabError('LAB_CACHE', error.message);
  }
}

const rethrow = (error: unknown): never => {
  throw labError(error);
};

/**
 * Run a tool to its end. The tool dies with this process, however that ends.
 *
 * @throws LabError LAB_TOOL_MISSING, LAB_RESOURCES, LAB_ABORTED. A non-zero status is returned, not thrown.
 */
export async function exec(tool: string, args: readonly string[], o: ExecOptions = {}): Promise<ExecResult> {
  const { onLine, env = process.env, ...options } = o;
  let stdout = '';
  const onStdout = (line: string): void => {
    if (stdout.length < STDOUT_LIMIT) stdout += `${line}\n`;
    onLine?.(line);
  };
  const { status, killedBy, tail } = await runChild(tool, args, {
    ...options,
    env: { ...env, LC_ALL: 'C' },
    endBy: 'SIGTERM',
    onStdout,
    ...(onLine && { onStderr: onLine }),
  }).catch(rethrow);
  return { status: status ?? (killedBy ? 128 : 1), stdout, tail };
}

/**
 * Hold an exclusive lock on a file while `work` runs, as process/'s own does.
 *
 * @throws LabError LAB_TOOL_MISSING, LAB_RESOURCES, LAB_CACHE, LAB_DISK_FULL, LAB_ABORTED, and what `work` throws
 */
export async function withLock<T>(path: string, work: () => Promise<T>, o?: LockOptions): Promise<T> {
  return holdLock(path, work, o).catch((error: unknown) => {
    throw (error instanceof ProcessError && exhausted(`cannot lock ${path}`, error.tail)) || labError(error);
  });
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
