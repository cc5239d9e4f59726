import { createHash } from 'node:crypto';

/** Jobs take 200; a series adds which of its patches. */
const MOST = 160;
const KEPT = 80;

/** A name that was made of the names of files: one that is too long is cut, and stays another than all others. */
export function shortName(name: string): string {
  if (name.length <= MOST) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${[...name].slice(0, KEPT).join('')}… ${hash}`;
}
