import { describe, expect, it } from 'vitest';
import { debianArchives, sourcesFile, suitesFor } from './apt.js';

const DEB822 = `Types: deb
# a comment
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;

const ONE_LINE = `# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/key.gpg] http://mirror.example/debian/ bookworm main contrib
deb-src http://mirror.example/debian/ bookworm main
deb http://security.debian.org/debian-security bookworm-security main
deb https://packages.example.com/apt tool main
`;

describe('debianArchives', () => {
  it('reads deb822 stanzas and one-line entries, Debian only, each mirror once', () => {
    expect(debianArchives([DEB822], []).map(({ uri, security }) => [uri, security])).toEqual([
      ['http://deb.debian.org/debian', false],
      ['http://deb.debian.org/debian-security', true],
    ]);
    expect(debianArchives([], [ONE_LINE, ONE_LINE])).toEqual([
      { uri: 'http://mirror.example/debian/', security: false, options: ['Signed-By: /etc/key.gpg'] },
      { uri: 'http://security.debian.org/debian-security', security: true, options: [] },
    ]);
  });

  it.each(['Types: deb-src', 'Enabled: no\nTypes: deb'])('leaves out a stanza with %j', (start) => {
    expect(debianArchives([`${start}\nURIs: http://x/debian\nSuites: sid\n`], [])).toEqual([]);
  });
});

describe('sourcesFile', () => {
  it('keeps mirrors and keys, replaces the suites, each archive its own', () => {
    expect(sourcesFile(debianArchives([DEB822], []), suitesFor('6.12'))).toBe(`Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: trixie-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`);
  });

  it('names no archive that has none of the suites', () => {
    expect(sourcesFile(debianArchives([DEB822], []), suitesFor('7.3'))).not.toContain('security');
  });

  it('asks for what packages are made from, where that is wanted', () => {
    expect(sourcesFile(debianArchives([DEB822], []), ['bookworm'], 'deb-src')).toMatch(/^Types: deb-src$/m);
  });
});
