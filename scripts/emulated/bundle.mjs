// The command line in few files: where each opened file costs so much, most of a command's time would go into loading its modules.
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What is found beside its own files, native or an option. */
const EXTERNAL = ['better-sqlite3', 'bullmq', 'ioredis', 'pg', '@bull-board/*', 'node-gyp-build', 'pino'];

/** Have each module know where it would be. */
const stayingAt = (dist, place) => ({
  name: 'staying',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const inside = relative(dist, path);
      if (inside.startsWith('..')) return undefined;
      const url = JSON.stringify(pathToFileURL(join(place, inside)).href);
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url), loader: 'js' };
    });
  },
});

/**
 * Make a copy of `root`/dist whose commands are bundled, to stand in its place.
 * @returns {Promise<string>} its folder
 */
export async function bundledDist(root) {
  const { build } = await import('esbuild'); // Before the set-up there is none.
  const [dist, out] = [join(root, 'dist'), join(root, 'build/emulated-dist')];
  rmSync(out, { recursive: true, force: true });
  cpSync(dist, out, { recursive: true });
  const commands = readdirSync(join(dist, 'cli/commands'), { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(dist, 'cli/commands', name));
  await build({
    entryPoints: [join(dist, 'cli/main.js'), ...commands],
    outbase: dist,
    outdir: out,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: EXTERNAL,
    plugins: [stayingAt(dist, dist)],
    banner: {
      js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return out;
}
