import type { GitOrigin, LabEngine } from '../lab/index.js';

/** This machine's own kernel. */
interface HostTarget {
  engine: 'host';
  /** PCI function that may be taken for non-coherent DMA. */
  device: string | null;
}

/** A kernel image in the lab. */
export interface LabTarget {
  engine: LabEngine;
  /** Path of the bzImage. */
  kernel: string;
  /** Module parameters, `module.name=value`. */
  params: readonly string[];
  /** Whether machines are saved where they are ready, and saved ones are used. */
  snapshot?: boolean;
  /** Whether the emulator tells how its processor walked the guest's tables, after each access of the guest. */
  witness?: boolean;
  /** What the kernel is, as far as can be told without booting it; `image` is what the user calls it by. */
  identity?: { image: string; sha256: string; release?: string; git?: GitOrigin };
}

/** Where scenarios run. */
export type Target = HostTarget | LabTarget;

/** Module parameters that were asked for: this machine's modules are loaded already. */
export const paramsOf = (target: Target): readonly string[] =>
  target.engine === 'host' ? [] : target.params;

/** The device that the agent is given; the lab has one of its own. */
export const deviceOf = (target: Target): string | null => (target.engine === 'host' ? target.device : 'lab');
