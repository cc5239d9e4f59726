import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The program as it is installed. */
export const BIN = fileURLToPath(new URL('../../bin/kvm-memtype.js', import.meta.url));

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
