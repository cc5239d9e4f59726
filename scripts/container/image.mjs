// The image of the Containerfile, where no registry of images can be reached: on the bare Debian 13 that is kept for CI.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureArchive } from '../bare/archive.mjs';
import { bareDebian } from '../bare/debian.mjs';
import { withLock } from '../lib/lock.mjs';
import { runStep } from '../lib/run.mjs';
import { packInto } from '../package/pack.mjs';
import { ROOT } from '../setup.mjs';
import { LIMITS, storeArguments } from './podman.mjs';

const SUITE = 'trixie';
const BARE = 'localhost/kvm-memtype-bare';
const BASE = 'localhost/kvm-memtype-base';
const NAME = 'localhost/kvm-memtype';
const BASE_FILE = fileURLToPath(new URL('bare.containerfile', import.meta.url));

const podmanStep = (folder, what, log, args) =>
  runStep(what, log, 'podman', [...storeArguments(folder), ...args], {
    cwd: folder,
    logs: join(ROOT, '.setup/log'),
  });

/** The files of `etc` where a container has them, and npm's settings: what of this machine reaches mirrors and registries, for the build alone. */
function machineVolumes({ scratch, inside }) {
  const etc = join(scratch, 'etc');
  const files = readdirSync(etc, { recursive: true }).filter((name) => statSync(join(etc, name)).isFile());
  const npmrc = join(scratch, 'npmrc');
  const settings = inside.filter((pair) => pair.startsWith('npm_config_'));
  writeFileSync(npmrc, settings.map((pair) => `${pair.slice('npm_config_'.length)}\n`).join(''));
  const volumes = files
    .filter((name) => !['resolv.conf', 'hosts'].includes(name)) // These podman makes.
    .map((name) => `${join(etc, name)}:/etc/${name}:ro`);
  return [...volumes, `${npmrc}:/root/.npmrc:ro`].flatMap((volume) => ['--volume', volume]);
}

/** The bare Debian as an image, named by what went into it. */
async function importBare(folder, debian, bareLock) {
  const name = `${BARE}:${basename(debian.archive, '.tar.gz')}`;
  if (spawnSync('podman', [...storeArguments(folder), 'image', 'exists', name]).status === 0) return name;
  await withLock(bareLock, () => ensureArchive(debian));
  await podmanStep(folder, 'importing a bare Debian', 'container-import', [
    'import',
    '--quiet',
    debian.archive,
    name,
  ]);
  return name;
}

/** Podman keeps what each line of a Containerfile made, by what went into it: a line whose inputs are as before is not run again. */
const build = (folder, what, log, args) =>
  podmanStep(folder, what, log, [
    ...['build', '--layers', '--network', 'host', '--pull=never', ...LIMITS],
    ...args,
  ]);

async function buildImage(cache) {
  const folder = join(cache, 'containers');
  const [scratch, context, bare] = [join(folder, 'scratch'), join(folder, 'context'), join(cache, 'bare')];
  for (const path of [scratch, context]) rmSync(path, { recursive: true, force: true });
  for (const path of [scratch, context, join(bare, 'root')]) mkdirSync(path, { recursive: true });
  const debian = await bareDebian(SUITE, bare, scratch);
  const imported = await importBare(folder, debian, join(bare, 'lock'));
  const tarball = await packInto(context, { here: true });
  copyFileSync(join(ROOT, 'Containerfile'), join(context, 'Containerfile'));
  utimesSync(tarball, 0, 0); // Else each is another file to podman.
  const volumes = machineVolumes(debian);
  const base = [...volumes, '--build-arg', `BARE=${imported}`, '--tag', BASE, '--file', BASE_FILE, scratch];
  await build(folder, 'making a slim Debian', 'container-base', base);
  await build(folder, 'building the container', 'container', [
    ...volumes,
    ...['--build-arg', `BASE=${BASE}`, '--tag', NAME],
    context,
  ]);
  await podmanStep(folder, 'removing images that are no more', 'container-prune', [
    'image',
    'prune',
    '--force',
  ]);
  for (const path of [scratch, context]) rmSync(path, { recursive: true });
  return { folder, name: NAME };
}

/**
 * Build the image of the Containerfile with the package as it is now. Needs root, podman and runc.
 * @returns {Promise<{ folder: string, name: string }>} for runContainer()
 * @throws SetupError
 */
export async function containerImage() {
  const { cacheRoot } = await import('../../dist/lab/cache.js');
  const cache = cacheRoot();
  return withLock(join(cache, 'containers', 'lock'), () => buildImage(cache));
}
