import { spawnSync } from 'node:child_process';
import { SetupError } from './failure.mjs';
import { runStep } from './run.mjs';

/**
 * The packages out of `names` that dpkg does not have installed.
 * @throws SetupError where there is no dpkg
 */
function missingPackages(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const format = '-f=${Package} ${db:Status-Status}\n';
  const query = spawnSync('dpkg-query', ['-W', format, ...names], {
    encoding: 'utf8',
  });
  if (query.error) {
    throw new SetupError(
      `this is not a Debian machine (no dpkg-query): install what stands for ${names.join(' ')}, then set KVM_MEMTYPE_PACKAGES=skip`,
      { code: 'SETUP_NOT_DEBIAN' },
    );
  }
  const installed = new Set(query.stdout.split('\n').filter((line) => line.endsWith(' installed')));
  return names.filter((name) => !installed.has(`${name} installed`));
}

/** The one command that installs `names`, as a person would type it. */
const installCommand = (names) =>
  `apt-get update && apt-get install -y --no-install-recommends ${names.join(' ')}`;

/**
 * Install what is missing of `names` where we are root, else say which command does.
 * KVM_MEMTYPE_PACKAGES=skip trusts the machine as it is.
 */
export async function ensurePackages(names, root) {
  if (process.env.KVM_MEMTYPE_PACKAGES === 'skip') return;
  const missing = missingPackages(names);
  if (missing.length === 0) return;
  if (process.getuid() !== 0) {
    throw new SetupError(
      `Debian packages are missing; run this, then try again: sudo sh -c '${installCommand(missing)}'`,
      {
        code: 'SETUP_PACKAGES',
      },
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const wait = ['-o', 'DPkg::Lock::Timeout=600'];
  await runStep(`reading Debian's package lists`, 'apt-update', 'apt-get', [...wait, 'update'], {
    cwd: root,
    env,
  });
  await runStep(
    `installing ${missing.length} Debian packages (${missing.join(' ')})`,
    'apt-install',
    'apt-get',
    [...wait, 'install', '-y', '--no-install-recommends', ...missing],
    { cwd: root, env },
  );
}
