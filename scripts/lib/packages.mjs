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

/** To check all that CI does: sources by a formatter, the page of results in a browser, series of patches in git, campaigns by queues, completion in its
 * shells, the manual page. */
export const LINT = [
  'clang-format',
  'chromium',
  'git',
  'redis-server',
  'postgresql',
  'zsh',
  'fish',
  'mandoc',
  'man-db',
];

/** To make and enter a bare Debian: CI tries the set-up in one. */
export const BARE = ['debootstrap', 'git', 'tar', 'util-linux'];
