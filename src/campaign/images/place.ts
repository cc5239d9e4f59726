import { MIB } from '../../arch/units.js';

/** The most that an image has. */
export const MOST_BYTES = 256 * MIB;

/** Where kernel images are by their SHA-256. */
export interface Place {
  /** As it was given, for people. */
  text: string;
  /**
   * Get a file.
   * @param path where it goes: what is there of it already need not be got again
   * @returns false if it is not there
   */
  get(hash: string, path: string): Promise<boolean>;
}
