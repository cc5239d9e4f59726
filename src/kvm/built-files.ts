import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root, from src/kvm, dist/kvm and the lab's bundle in dist/lab alike. */
export const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** Where a build puts the addon and the guests, and where the published package brings them ready-made. */
const [BUILT, PREBUILT] = ['build/Release', 'prebuilds/linux-x64'].map((folder) => join(ROOT, folder)) as [
  string,
  string,
];

/** The path of a file that the native build makes, such as `probe.elf`; where it would be, if it is not there. */
export function builtFile(name: string): string {
  const built = join(BUILT, name);
  const prebuilt = join(PREBUILT, name);
  return !existsSync(built) && existsSync(prebuilt) ? prebuilt : built;
}
