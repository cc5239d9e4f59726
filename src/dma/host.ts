/** Where the kernel's file systems are; tests put directories of their own in their place. */
export interface HostRoots {
  sys: string;
  dev: string;
  proc: string;
}

export const HOST: HostRoots = { sys: '/sys', dev: '/dev', proc: '/proc' };
