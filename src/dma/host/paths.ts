import { writeFileSync } from 'node:fs';

/** Where the kernel's file systems are, and how they are written to; tests put something else in their place. */
export interface Host {
  sys: string;
  dev: string;
  proc: string;
  write(path: string, text: string): void;
}

export const HOST: Host = {
  sys: '/sys',
  dev: '/dev',
  proc: '/proc',
  write: (path, text) => writeFileSync(path, text),
};
