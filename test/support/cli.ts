import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The program as it is installed. */
export const BIN = fileURLToPath(new URL('../../bin/kvm-memtype.js', import.meta.url));

const LINES = fileURLToPath(new URL('cli-lines.mjs', import.meta.url));
/** More than any test prints. */
const MOST_OUTPUT = 64 << 20;

/** What a run of the command line gave. */
export interface CliResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Run the built command line to its end. */
export function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

function runLines(lines: readonly (readonly string[])[], env: NodeJS.ProcessEnv): CliResult[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LINES], {
    input: JSON.stringify(lines),
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT,
  });
  if (status !== 0) throw new Error(`the command lines ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as CliResult[];
}

/**
 * The results of these command lines, which are run one after another in one process once the first is asked for: to start one takes a
 * third of a second, and to refuse an option nothing. For lines that start nothing.
 *
 * @returns what gives the result of the line of a number
 */
export function resultsOf(
  lines: readonly (readonly string[])[],
  env: NodeJS.ProcessEnv = {},
): (i: number) => CliResult {
  let results: CliResult[] | undefined;
  return (i) => {
    results ??= runLines(lines, env);
    return results[i] as CliResult;
  };
}
