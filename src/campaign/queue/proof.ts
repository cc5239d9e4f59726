import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { OwnedNames } from '../../process/owned-names.js';
import { runProgram } from '../run/child.js';
import { type Label, placesOf } from './protocol.js';
import { putRoom } from './room.js';

/** A command of this program, and the status that it is known to end with: 0 where all is well, 1 where something is wrong. */
interface Trial {
  what: string;
  args: readonly string[];
  status: 0 | 1;
  /** Done before. */
  prepare?: () => void;
}

/** A kernel that is known to be wrong: Debian's of `GOOD`, with one fault. */
const GOOD = 'debian:6.1';
const BAD = fileURLToPath(new URL('../../../kernels/proof/guest-pat-6.1.patch', import.meta.url));

/** A kernel that is known to be right passes, one that is known to be wrong fails. */
function labTrials(): Trial[] {
  const args = ['run', 'ram/default', '--policy', 'A', '--kernel', GOOD];
  return [
    { what: 'a kernel that is known to be right', args, status: 0 },
    { what: 'a kernel that is known to be wrong', args: [...args, '--patch', BAD], status: 1 },
  ];
}

/** What was read last, as something else. */
const falsified = (recording: Buffer): Buffer => {
  const text = gunzipSync(recording).toString();
  const at = text.lastIndexOf('\\"value\\":\\"#');
  return gzipSync(at < 0 ? text : text.slice(0, at) + text.slice(at).replace(/#[0-9a-f]+/, '#bad'));
};

/** No kernel of this machine is known to be right, or wrong. But what it gives must be seen, and must be noticed if it is wrong. */
function hostTrials(scratch: string): Trial[] {
  const [right, wrong] = ['right.kmr', 'wrong.kmr'].map((name) => join(scratch, name)) as [string, string];
  return [
    { what: 'this machine’s KVM', args: ['run', 'msr/readback', '--record', right], status: 0 },
    {
      what: 'a recording of it that was falsified',
      args: ['judge', wrong],
      status: 1,
      prepare: () => writeFileSync(wrong, falsified(readFileSync(right))),
    },
  ];
}

const TRIALS = { host: hostTrials, lab: labTrials };

/** How a proof is made. */
export interface ProofOptions {
  labels: readonly Label[];
  cache: string;
  /** Whether to try what it is to do, or only whether there is room. */
  tries: boolean;
  signal: AbortSignal;
  /** How a command of this program is run, if not as a child: gives its status and its last words. */
  run?: (args: readonly string[], signal: AbortSignal) => Promise<{ status: number | null; said: string }>;
}

const scratches = new OwnedNames('proof.');

/**
 * Whether a worker can be trusted with jobs: there is room on its disk, and what it is to do gives the verdicts that are known.
 * @returns why not, undefined if it can
 */
export async function prove(o: ProofOptions): Promise<string | undefined> {
  const scratch = join(o.cache, scratches.next());
  try {
    mkdirSync(scratch, { recursive: true, mode: 0o700 });
    putRoom(join(scratch, 'room'));
    if (!o.tries) return undefined;
    const { run = runProgram } = o;
    const trials = placesOf(o.labels).flatMap((place) => TRIALS[place](scratch));
    for (const { what, args, status: wanted, prepare } of trials) {
      prepare?.();
      const { status, said } = await run(args, o.signal);
      if (status !== wanted) return `${what} gave status ${status}, ${wanted} is known to be right: ${said}`;
    }
    return undefined;
  } catch (error) {
    if (o.signal.aborted) throw error;
    return (error as Error).message;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
