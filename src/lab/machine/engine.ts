import type { Kernel } from '../image/bzimage.js';

/** What an engine has to boot, and where the two serial ports go. */
export interface Boot {
  kernel: Kernel;
  /** Parts of the initramfs, in order. */
  initrds: readonly string[];
  /** The one among them that has the kernel's modules, if it has any. */
  modulesPart?: string;
  /** A file to put into RAM at a physical address; the command line tells the kernel of it. */
  memoryImage?: { file: string; address: number };
  /**
   * Where the agent finds what it has to do, if not in a file, and init the modules to load then: they may be put there once the machine
   * has been saved. What is not used is zero.
   */
  job?: { address: number; content: Buffer; used: number };
  /** Physical address of the page where the emulator tells how its processor walked the guest's tables, if it does. */
  witness?: number;
  /** A directory to save the machine into, where it first stands still. */
  saveInto?: string;
  /** Whether it ends once it has been saved. */
  endsSaved?: boolean;
  commandLine: string;
  memoryMiB: number;
  /** File that receives the first serial port: the kernel's console. */
  consoleFile: string;
  /** File that receives the second serial port: the agent's results. */
  resultsFile: string;
  /** A directory of this run's own. */
  scratch: string;
}

/** The emulator's command line. */
export interface Command {
  tool: string;
  args: string[];
  env?: Record<string, string>;
  /** A signal that would do it harm. */
  withoutSignal?: 'ALRM';
  /** File that gets the emulator's own output, if it is not on its stdout. */
  logFile?: string;
}

/** Writes what the emulator needs into the scratch directory and says how to start it. */
export type Engine = (boot: Boot) => Promise<Command>;
