import type { LabOutcome } from '../lab/index.js';
import type { DeathKind } from '../report/formats/crash.js';

/** The agent came to its end, whatever it did on its way. */
type Done = Extract<LabOutcome, { kind: 'done' }>;

/** An end before the agent's own. The kind says who died: report/formats/crash.ts has the table. */
export interface Death<Kind extends DeathKind = DeathKind> {
  kind: Kind;
  reason: string;
  /** The last lines of the kernel's console or, on this host, of what the agent wrote to stderr. */
  consoleTail: string[];
}

/** How an agent on this host ended. Nobody is here to tell of the kernel's death: it would be ours. */
export type HostOutcome = Done | Death<'agent-died' | 'timeout'>;

/** How an agent ended, wherever it ran. */
export type Outcome = Done | Death;
