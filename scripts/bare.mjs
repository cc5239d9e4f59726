#!/usr/bin/env node
// `node scripts/bare.mjs trixie [--from-nothing | --package] [--run COMMAND]...`: try the README's commands, or the package, on a bare Debian.
// See docs/ci.md.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureArchive } from './bare/archive.mjs';
import { bareDebian } from './bare/debian.mjs';
import { runNamespaced } from './bare/namespace.mjs';
import { SUITES } from './bare/suites.mjs';
import { ensurePackages } from './lib/debian.mjs';
import { SetupError } from './lib/failure.mjs';
import { HELD_ONCE } from './lib/held-once.mjs';
import { withLock } from './lib/lock.mjs';
import { BARE } from './lib/packages.mjs';
import { packInto } from './package/pack.mjs';
import { ROOT, runMain, setup } from './setup.mjs';

/** What is run: everything as a newcomer does. */
const FROM_NOTHING = ['npm start', 'npm test'];
/** The package from its tarball. The last thing to try: it takes the compiler away. */
const TRY_PACKAGE = 'sh scripts/package/try.sh /root/kvm-memtype.tgz';
/** Whether what opens /dev/kvm is run elsewhere: then it is not run here either. */
const WITHOUT_KVM = process.env.KVM_MEMTYPE_LIVE === 'without-kvm';
/** What is run in CI: what is quick, on a kernel that is there already. Pure code that meets no part of Debian is held elsewhere. */
const quick = (suite) => [
  'npm start -- --kernel /root/bzImage --timeout 3000',
  `CI=true ${WITHOUT_KVM ? 'KVM_MEMTYPE_LIVE=without-kvm ' : ''}npm test -- test/live src/kvm scripts ${HELD_ONCE.join(' ')} --reporter=default --reporter=json --outputFile.json=reports/bare-${suite}.json`,
  ...(WITHOUT_KVM ? [] : [TRY_PACKAGE]), // It runs a guest.
];

const commandsFor = (suite, { fromNothing, onlyPackage }) =>
  fromNothing ? FROM_NOTHING : onlyPackage ? [TRY_PACKAGE] : quick(suite);

function parse() {
  const options = {
    'from-nothing': { type: 'boolean' },
    package: { type: 'boolean' },
    run: { type: 'string', multiple: true },
  };
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const [suite] = positionals;
    if (positionals.length === 1 && Object.hasOwn(SUITES, suite)) {
      const what = {
        fromNothing: values['from-nothing'] ?? false,
        onlyPackage: values.package ?? false,
      };
      return { suite, ...what, commands: values.run ?? commandsFor(suite, what) };
    }
  } catch {
    // Told below.
  }
  const suites = Object.keys(SUITES).join('|');
  throw new SetupError(
    `usage: node scripts/bare.mjs ${suites} [--from-nothing | --package] [--run COMMAND]...`,
    {
      code: 'BARE_USAGE',
    },
  );
}

function checkMachine() {
  if (process.getuid() !== 0)
    throw new SetupError('a bare Debian needs root: it is mounted and entered', { code: 'BARE_ROOT' });
  if (!existsSync('/dev/kvm') && !WITHOUT_KVM)
    throw new SetupError('a bare Debian is given /dev/kvm, and there is none', { code: 'BARE_KVM' });
}

/** The lab's kernel, from the cache: the bare Debian's own compiler would make another. */
async function kernelImage() {
  const { buildKernel } = await import('../dist/lab/index.js');
  const onProgress = (line) => process.stderr.write(`kvm-memtype bare: ${line}\n`);
  return (await buildKernel({ source: 'debian:6.1', onProgress })).bzImage;
}

/** Do it in `folder` of the cache, which is ours alone meanwhile. */
async function bare({ suite, fromNothing, onlyPackage, commands }, folder) {
  const [mountPoint, scratch] = [join(folder, 'root'), join(folder, 'scratch')];
  rmSync(scratch, { recursive: true, force: true });
  for (const path of [mountPoint, scratch]) mkdirSync(path, { recursive: true });
  const debian = await bareDebian(suite, folder, scratch);
  await ensureArchive(debian);
  const { archive, env } = debian;
  if (!fromNothing) env.TARBALL = await packInto(scratch);
  if (!fromNothing && !onlyPackage) env.KERNEL = await kernelImage();
  const status = await runNamespaced(
    ['run', mountPoint, archive, ROOT, join(ROOT, 'reports'), ...commands],
    env,
  );
  rmSync(scratch, { recursive: true });
  return status;
}

await runMain(async () => {
  const request = parse();
  checkMachine();
  await setup({ lab: !request.fromNothing });
  await ensurePackages(BARE, ROOT);
  const { cacheRoot } = await import('../dist/lab/cache.js');
  const folder = join(cacheRoot(), 'bare');
  const onWait = (pid) =>
    process.stderr.write(`kvm-memtype bare: waiting for another run (process ${pid})\n`);
  return withLock(join(folder, 'lock'), () => bare(request, folder), onWait);
});
