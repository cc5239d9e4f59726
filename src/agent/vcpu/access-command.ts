import type { ProbeCommand } from '../../probe/index.js';
import type { Step } from '../../scenario/types.js';

/** What the guest runs for an access: 4 bytes are read or written, or the page is called. */
export function accessCommand({ access, gpa, pat }: Extract<Step, { do: 'access' }>): ProbeCommand {
  if (access === 'write') return { op: 'write', gpa, pat, value: 1n, width: 4 };
  if (access === 'fetch') return { op: 'fetch', gpa, pat };
  return { op: 'read', gpa, pat, width: 4 };
}
