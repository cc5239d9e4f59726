import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PAGE_SIZE } from '../../../arch/units.js';
import { bochsCommand, LINKS } from '../bochs.js';
import type { Boot, Command } from '../engine.js';
import type { Snapshot } from './store.js';

const withLibrary = (command: Command, env: Record<string, string> = {}): Command => ({
  ...command,
  env: { ...command.env, LD_PRELOAD: LINKS.library, ...env },
});

/** Have a boot's machine saved into a directory. */
export async function saving(
  boot: Boot,
  { place, library }: { place: string; library: string },
  start: (boot: Boot) => Promise<Command>,
): Promise<Command> {
  await symlink(library, join(boot.scratch, LINKS.library));
  await symlink(place, join(boot.scratch, LINKS.snapshot));
  return withLibrary(await start({ ...boot, saveInto: place }));
}

/** Restore a saved machine with the job of `boot`, instead of booting. */
export async function restoring(
  { scratch, job }: Boot,
  { dir, jobOffset }: Snapshot,
  library: string,
): Promise<Command> {
  await symlink(library, join(scratch, LINKS.library));
  await symlink(dir, join(scratch, LINKS.snapshot));
  await symlink(join(dir, LINKS.rom), join(scratch, LINKS.rom));
  const content = job?.content ?? Buffer.alloc(0);
  const end = Math.ceil((content.indexOf(0) + 1) / PAGE_SIZE) * PAGE_SIZE;
  await writeFile(join(scratch, LINKS.job), content.subarray(0, end));
  const command = await bochsCommand({ scratch }, ['-r', LINKS.snapshot]);
  return withLibrary(command, {
    LAB_RAM: join(LINKS.snapshot, 'ram'),
    LAB_JOB: `${jobOffset}:${LINKS.job}`,
  });
}
