import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BECOME_NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/**
 * Do something as a user who may nothing, in a process of its own: Node does not change its own user where libuv might use
 * io_uring (CVE-2024-22017), as in Debian 13's build. Root becomes nobody; anybody else stays who they are.
 *
 * @param code TypeScript as in a file at the root of the repository, that calls `tell(value)` once.
 * @returns what was told, by way of JSON.
 */
export function asNobody(code: string): unknown {
  const contents = `const tell = (value: unknown) => process.stdout.write(JSON.stringify(value));\n${code}`;
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    platform: 'node',
    define: { 'import.meta.url': JSON.stringify(import.meta.url) },
    write: false,
  });
  // The program and Node come by descriptor: nobody may not enter where they are, as below /root.
  const node = openSync(process.execPath, 'r');
  try {
    const become = process.geteuid?.() === 0 ? BECOME_NOBODY : ['env'];
    const [command = '', ...args] = [...become, '/proc/self/fd/3', '-'];
    const input = outputFiles[0]?.text;
    const child = spawnSync(command, args, { cwd: '/', input, stdio: ['pipe', 'pipe', 'inherit', node] });
    if (child.error) throw child.error;
    return JSON.parse(child.stdout.toString());
  } finally {
    closeSync(node);
  }
}
