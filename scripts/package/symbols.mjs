/** The newest versions of symbols that Debian 12 has: of its C library, and of GCC 12's C++ library. */
const NEWEST = { GLIBC: [2, 36], GLIBCXX: [3, 4, 30], CXXABI: [1, 3, 13] };

const isNewer = (version, newest) => {
  const at = version.findIndex((part, i) => part !== (newest[i] ?? 0));
  return at !== -1 && version[at] > (newest[at] ?? 0);
};

/**
 * Which versions of symbols a library needs that Debian 12 lacks.
 * @param {string} text what `objdump --dynamic-syms` says of the library
 */
export function tooNew(text) {
  const found = new Set(
    [...text.matchAll(/\((GLIBC|GLIBCXX|CXXABI)_([\d.]+)\)/g)].map(
      ([, name, version]) => `${name}_${version}`,
    ),
  );
  return [...found].filter((symbol) => {
    const [name, version] = symbol.split('_');
    return isNewer(version.split('.').map(Number), NEWEST[name]);
  });
}
