// Debian packages by what needs them. A package is listed where it is first needed.

/** To build the addon and the guests. */
export const BUILD = ['cmake', 'ninja-build', 'make', 'gcc', 'g++', 'binutils'];

/** To build kernels and to boot them in an emulated VT-x machine. */
export const LAB = [
  // the machine
  ...[
    'bochs',
    'bochs-sdl',
    'bochsbios',
    'vgabios',
    'xorriso',
    'isolinux',
    'syslinux-common',
    'qemu-system-x86',
  ],
  // the kernel
  ...[
    'flex',
    'bison',
    'bc',
    'libelf-dev',
    'libssl-dev',
    'lz4',
    'rsync',
    'kmod',
    'cpio',
    'patch',
    'perl',
    'xz-utils',
    'zstd',
  ],
];

/** To check all that CI does. */
export const LINT = [
  ...['clang-format', 'git'], // Sources; series of patches.
  'chromium', // The page of results.
  ...['redis-server', 'postgresql'], // Campaigns by queues.
  ...['zsh', 'fish', 'mandoc', 'man-db'], // Completion in its shells; the manual page.
  ...['python3-junitparser', 'python3-tap'], // Readers of results.
  ...['podman', 'runc', 'debootstrap'], // The container, and the bare Debian that it begins with.
];

/** To make and enter a bare Debian: CI tries the set-up in one. */
export const BARE = ['debootstrap', 'git', 'tar', 'util-linux'];

/** To run what needs /dev/kvm in an emulated machine that has it. */
export const EMULATED = ['qemu-system-x86', 'busybox-static', 'xz-utils', 'zstd', 'util-linux'];
