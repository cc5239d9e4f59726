import { mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PAGE_SIZE } from '../../../arch/units.js';
import { adapted } from '../../emulator/adapt.js';
import { builtEmulator } from '../../emulator/built.js';
import { bochsCommand, builtBochsCommand, LINKS } from '../bochs.js';
import type { Boot, Command } from '../engine.js';
import { WITNESS_PLACE } from '../run.js';
import type { Snapshot } from './store.js';

const withLibrary = (command: Command, env: Record<string, string> = {}): Command => ({
  ...command,
  env: { ...command.env, LD_PRELOAD: LINKS.library, ...env },
});

/** Start a machine with the library. */
export async function preloaded(scratch: string, library: string, command: Command): Promise<Command> {
  await symlink(library, join(scratch, LINKS.library));
  return withLibrary(command);
}

/** Have a boot's machine saved into a directory. */
export async function saving(
  boot: Boot,
  { place, library }: { place: string; library: string },
  start: (boot: Boot) => Promise<Command>,
): Promise<Command> {
  await symlink(place, join(boot.scratch, LINKS.snapshot));
  return preloaded(boot.scratch, library, await start({ ...boot, saveInto: place }));
}

/** Lay a saved machine out for the emulator that we built: links, but for the files that it reads otherwise. */
async function adaptMachine(scratch: string, dir: string): Promise<void> {
  const place = join(scratch, LINKS.adapted);
  await mkdir(place);
  const changes = new Map(Object.entries(adapted));
  for (const name of await readdir(dir)) {
    const change = changes.get(name);
    if (change === undefined) await symlink(join(dir, name), join(place, name));
    else await writeFile(join(place, name), change(await readFile(join(dir, name), 'latin1')), 'latin1');
  }
}

/** The emulator that we built, if there is one and it can do what is wanted: it has no debugger to be a witness by. */
export const restorer = ({ witness }: { witness?: unknown }): string | undefined =>
  witness ? undefined : builtEmulator();

/** How the machine of `dir` is started again: by the emulator that we built, if there is one. */
async function commandFor(boot: Boot, dir: string): Promise<Command> {
  const { scratch } = boot;
  const built = restorer(boot);
  if (built === undefined) return bochsCommand(boot, ['-r', LINKS.snapshot]);
  await adaptMachine(scratch, dir);
  return builtBochsCommand(built, scratch, LINKS.adapted);
}

/** Restore a saved machine with the job of `boot`, instead of booting. */
export async function restoring(boot: Boot, { dir, jobOffset }: Snapshot, library: string): Promise<Command> {
  const { scratch, job } = boot;
  await symlink(library, join(scratch, LINKS.library));
  await symlink(dir, join(scratch, LINKS.snapshot));
  await symlink(join(dir, LINKS.rom), join(scratch, LINKS.rom));
  const { content = Buffer.alloc(0), used = 0 } = job ?? {};
  const end = Math.ceil(used / PAGE_SIZE) * PAGE_SIZE;
  const file = join(scratch, LINKS.job);
  await writeFile(file, content.subarray(0, end));
  await truncate(file, Math.max(end, WITNESS_PLACE.offset)); // with room for jobs to come
  return withLibrary(await commandFor(boot, dir), {
    LAB_RAM: join(LINKS.snapshot, 'ram'),
    LAB_JOB: `${jobOffset}:${LINKS.job}`,
  });
}
