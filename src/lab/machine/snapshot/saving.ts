import { existsSync } from 'node:fs';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bochs, LINKS } from '../bochs.js';
import type { Boot, Command } from '../engine.js';
import { SnapshotError } from './errors.js';
import { saving } from './restore.js';
import { keep, newPlace } from './store.js';
import { hostOffset, trims } from './trim.js';

/** Keys of machines that this process is saving: one of those that run side by side does. Each ends with its saving. */
const making = new Map<string, Promise<void>>();

/** The saving of a machine that is under way here. */
export const underWay = (key: string): Promise<void> | undefined => making.get(key);

/** A boot whose machine is saved on its way. */
export interface Saving {
  command: Command;
  /** Called once, when the machine is gone. */
  end: (isSound: boolean) => Promise<void>;
}

/**
 * Have a boot's machine saved under a key.
 * @throws SnapshotError if there is no room for it
 */
export async function save(boot: Boot, key: string, library: string): Promise<Saving> {
  let isOver = (): void => {};
  making.set(
    key,
    new Promise((resolve) => {
      isOver = resolve;
    }),
  );
  const release = (): void => {
    making.delete(key);
    isOver();
  };
  try {
    const place = await newPlace();
    const end = async (isSound: boolean): Promise<void> => {
      try {
        if (isSound) await finish(boot, place, key);
      } finally {
        release();
        await rm(place, { recursive: true, force: true });
      }
    };
    return { command: await saving(boot, { place, library }, bochs), end };
  } catch (error) {
    release();
    throw error;
  }
}

/** Make a machine that Bochs has saved ready for use. */
async function finish({ job, scratch }: Boot, place: string, key: string): Promise<void> {
  if (!existsSync(join(place, 'saved'))) throw new SnapshotError('Bochs did not save it');
  const { address, content } = job as NonNullable<Boot['job']>;
  const blocks = join(place, 'blocks');
  const saved = {
    log: await readFile(join(scratch, 'bochs.log'), 'latin1'),
    written: new Set((await readFile(blocks, 'latin1')).split('\n').filter(Boolean).map(Number)),
    job: { address, size: content.length },
  };
  await rm(blocks);
  for (const [name, trim] of Object.entries(trims)) {
    const path = join(place, name);
    await writeFile(path, trim(await readFile(path, 'latin1'), saved), 'latin1');
  }
  await copyFile(join(scratch, LINKS.rom), join(place, LINKS.rom));
  await keep(
    place,
    key,
    hostOffset(await readFile(join(place, 'memory'), 'latin1'), address, content.length),
  );
}
