import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot, isComplete } from '../cache.js';

/** The emulator's program in its entry of the cache. */
export const PROGRAM = 'bochs';

/** Where the emulators are, and which of them is used. */
export const emulatorsDir = (): string => join(cacheRoot(), 'emulators');
export const currentFile = (): string => join(emulatorsDir(), 'current');

/**
 * The emulator that `lab build-emulator` has built, undefined if there is none.
 * @param env KVM_MEMTYPE_EMULATOR=packaged keeps it from being used
 */
export function builtEmulator(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.KVM_MEMTYPE_EMULATOR === 'packaged') return undefined;
  let key: string;
  try {
    key = readFileSync(currentFile(), 'utf8').trim();
  } catch {
    return undefined; // None was built.
  }
  const dir = join(emulatorsDir(), key);
  return /^[0-9a-f]{16}$/.test(key) && isComplete(dir, [PROGRAM]) ? join(dir, PROGRAM) : undefined;
}
