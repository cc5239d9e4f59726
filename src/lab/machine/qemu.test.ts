import { expect, test } from 'vitest';
import type { Boot } from './engine.js';
import { qemuArguments } from './qemu.js';

const BOOT: Boot = {
  kernel: { path: '/k/bzImage', bzImage: Buffer.alloc(0), vmlinux: undefined },
  initrds: [],
  commandLine: 'console=ttyS0 quiet',
  memoryMiB: 512,
  consoleFile: '/s/console',
  resultsFile: '/s/results',
  scratch: '/s',
};

test.each([
  ['qemu-tcg', '-accel tcg -cpu qemu64,+svm,+npt -machine q35 -device intel-iommu'],
  ['qemu-kvm', '-accel kvm -cpu host'],
] as const)('the command line of %s', (engine, processor) => {
  expect(qemuArguments(engine, BOOT, '/s/initrd').join(' ')).toBe(
    `${processor} -m 512 -nodefaults -no-user-config -display none -no-reboot -serial file:/s/console ` +
      '-serial file:/s/results -device e1000 -kernel /k/bzImage -initrd /s/initrd -append console=ttyS0 quiet',
  );
});

test('a memory image is loaded at its address, whatever its name', () => {
  const args = qemuArguments(
    'qemu-tcg',
    { ...BOOT, memoryImage: { file: '/a,b/image', address: 0x1000 } },
    '/s/initrd',
  );
  expect(args).toContain('loader,file=/a,,b/image,addr=4096,force-raw=on');
});
