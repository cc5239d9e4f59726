// The command line in few files, dist/program: it would take most of a command's time to find, read and compile its modules one by one.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Modules tell by their place where other files are: each is to take itself for where tsc put it, and those of dist/cli for as far below
 * dist/program, as they find each other there.
 */
const BANNER = [
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
  "const __dist = import.meta.url.slice(0, import.meta.url.lastIndexOf('/dist/') + '/dist/'.length);",
].join(' ');

const stayingAt = (dist) => ({
  name: 'staying',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const inside = relative(dist, path);
      if (inside.startsWith('..')) return undefined;
      const url = `(__dist + ${JSON.stringify(inside.replace(/^cli\//, 'program/'))})`;
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url), loader: 'js' };
    });
  },
});

/**
 * @param {string} out its folder, which is to be used as dist/program
 * @param {{ packages?: 'external', external?: string[] }} which packages stay what they are
 */
export async function buildProgram(out, which) {
  const { build } = await import('esbuild'); // Before the set-up there is none.
  const dist = join(ROOT, 'dist');
  const cli = join(dist, 'cli');
  const commands = readdirSync(join(cli, 'commands'), { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(cli, 'commands', name));
  rmSync(out, { recursive: true, force: true });
  await build({
    entryPoints: [join(cli, 'main.js'), ...commands],
    outbase: cli,
    outdir: out,
    chunkNames: 'chunks/[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    plugins: [stayingAt(dist)],
    banner: { js: BANNER },
    logLevel: 'warning',
    ...which,
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await buildProgram(join(ROOT, 'dist/program'), { packages: 'external' });
