import { join } from 'node:path';
import { ROOT } from '../setup.mjs';
import { archivePath } from './archive.mjs';
import { writeMachineFiles } from './machine.mjs';

/**
 * What a bare Debian is made of on this machine; the files for its /etc come to lie in `scratch`/etc.
 * @param {string} suite
 * @param {string} folder where its archive is kept
 * @param {string} scratch an empty folder
 * @returns what ensureArchive() takes; and `inside`, NAME=value for the environment of what runs in it
 */
export async function bareDebian(suite, folder, scratch) {
  const { machineArchives, sourcesFile } = await import('../../dist/lab/kernel/apt.js');
  const archives = await machineArchives();
  const sources = sourcesFile(archives, [suite, `${suite}-updates`, `${suite}-security`]);
  const etc = join(scratch, 'etc');
  const inside = writeMachineFiles(etc, sources, ROOT);
  const mirror = archives.find(({ security }) => !security).uri;
  return {
    ...{ root: ROOT, folder, scratch, suite, mirror, inside },
    archive: archivePath(folder, suite, sources),
    env: { ...process.env, ETC: etc, INSIDE_ENV: inside.join(' ') },
  };
}
