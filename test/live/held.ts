import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What this process holds open that has to do with KVM. */
export function held(): { fds: number; mappings: number } {
  const fds = readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /kvm/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false; // the directory's own descriptor is gone by now
    }
  });
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  // Not the addon's own pages.
  return {
    fds: fds.length,
    mappings: maps.filter((line) => /kvm/.test(line) && !/\.node$/.test(line)).length,
  };
}
