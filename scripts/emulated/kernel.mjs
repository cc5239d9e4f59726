// A stock kernel of Debian, with KVM for AMD, out of its package: nothing is installed on this machine.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../lib/failure.mjs';
import { runStep } from '../lib/run.mjs';

/** The newest that Debian 12 has, which another release of Debian may lack; and each release's own. */
const META_PACKAGES = ['linux-image-6.12-amd64', 'linux-image-amd64'];

/** The package that the first of the meta packages stands for which this machine's apt knows. */
function packageName() {
  for (const meta of META_PACKAGES) {
    const { stdout } = spawnSync('apt-cache', ['depends', '--important', meta], { encoding: 'utf8' });
    const [, name] = /Depends: (linux-image-\d\S+)/.exec(stdout) ?? [];
    if (name) return name;
  }
  return undefined;
}

/**
 * The folder with a Debian kernel's files, out of the cache or from Debian.
 * @param {string} folder of the cache
 * @param {string} root for the logs
 * @throws SetupError when there is none
 */
export async function debianKernel(folder, root) {
  const { contentKey, fillEntry } = await import('../../dist/lab/cache.js');
  const step = (what, name, command, args, cwd = root) =>
    runStep(what, name, command, args, { cwd, logs: join(root, '.setup/log') });
  if (packageName() === undefined)
    await step('reading Debian’s package lists', 'apt-update', 'apt-get', ['update']);
  const name = packageName();
  if (name === undefined)
    throw new SetupError(
      `Debian has none of ${META_PACKAGES.join(', ')}: is its mirror among apt's sources?`,
      {
        code: 'EMULATED_KERNEL',
      },
    );
  const version = execFileSync('apt-cache', ['show', '--no-all-versions', name], { encoding: 'utf8' });
  const image = `boot/vmlinuz-${name.replace('linux-image-', '')}`;
  return {
    name,
    image,
    folder: await fillEntry(join(folder, contentKey(version)), [image], async (temporary) => {
      const download = join(temporary, 'download');
      mkdirSync(download);
      const get = ['-o', 'APT::Sandbox::User=root', 'download', name];
      await step(`fetching ${name}`, 'emulated-kernel', 'apt-get', get, download);
      const [file] = readdirSync(download);
      await step(`unpacking ${name}`, 'emulated-unpack', 'dpkg-deb', ['-x', join(download, file), temporary]);
      rmSync(download, { recursive: true });
    }),
  };
}
