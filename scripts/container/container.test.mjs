import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { NEEDS_KVM, requireOrSkip } from '../../test/require.ts';
import { containerImage } from './image.mjs';
import { runContainer } from './podman.mjs';

// The image of the Containerfile, built and run as its users do, with the package as it is now. The first build takes minutes and gigabytes: it is for CI, and who asks.

const isInstalled = (name) => ['/usr/bin', '/usr/sbin'].some((folder) => existsSync(join(folder, name)));
const isWanted = process.env.CI === 'true' || process.env.KVM_MEMTYPE_CONTAINER !== undefined;
const canBuild = isWanted && process.getuid() === 0 && ['podman', 'runc', 'debootstrap'].every(isInstalled);
const KVM = ['--device', '/dev/kvm'];

let image;
beforeAll(async () => {
  if (canBuild) image = await containerImage();
}, 1_800_000);

function requireTools(context) {
  const missing = 'KVM_MEMTYPE_CONTAINER=1; and as root, apt-get install podman runc debootstrap';
  requireOrSkip(context, canBuild, missing);
}

function check({ options = [], args, statuses, words }) {
  const { status, stdout, stderr } = runContainer(image, options, args);

  expect(statuses, stderr).toContain(status);
  expect(`${stdout}${stderr}`).toContain(words);
}

test.for([
  ['explain', ['explain', '--policy', '6.1', '--gpa', '0x1000'], [0], 'IPAT'],
  ['the help', ['run', '--help'], [0], 'Usage: kvm-memtype run'],
  ['run without /dev/kvm', ['run', 'ram/*'], [2], '/dev/kvm'],
  ['doctor without /dev/kvm', ['doctor'], [0, 4], 'no    KVM opens'],
])('%s works', ([, args, statuses, words], context) => {
  requireTools(context);
  check({ args, statuses, words });
});

// The machine's KVM may be one without EPT, of which nothing can be checked.
test.for([
  ['doctor', ['doctor'], 'yes   KVM opens'],
  ['run', ['run', 'ram/*'], ' passed'],
])('%s with /dev/kvm works', NEEDS_KVM, ([, args, words], context) => {
  requireTools(context);
  requireOrSkip(context, existsSync('/dev/kvm'), '/dev/kvm');
  check({ options: KVM, args, statuses: [0, 4], words });
});
