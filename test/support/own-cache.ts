import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot } from '../../src/lab/cache.js';

/** A cache of a test's own, with all that there is but for saved machines. */
export interface OwnCache {
  /** For XDG_CACHE_HOME. */
  home: string;
  /** Where machines are saved. */
  snapshots: string;
  remove: () => void;
}

/** Make one, in `home` or a new folder. */
export function ownCache(home = mkdtempSync(join(tmpdir(), 'snapshots-'))): OwnCache {
  const root = join(home, 'kvm-memtype');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(cacheRoot()))
    if (name !== 'snapshots') symlinkSync(join(cacheRoot(), name), join(root, name));
  return {
    home,
    snapshots: join(root, 'snapshots'),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
