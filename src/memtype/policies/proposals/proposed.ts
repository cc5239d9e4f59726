import type { Policy, ProposalName } from '../../policy.js';

/** The identity of a policy that is another one with a proposal on top, on a kernel of this version. */
export const proposed = (
  { name: base }: Policy,
  proposal: ProposalName,
  kernel: string,
  ...aliases: string[]
): Pick<Policy, 'name' | 'base' | 'proposals' | 'aliases'> => ({
  name: `${base}+${proposal}`,
  base,
  proposals: [proposal],
  aliases: [...aliases, `${kernel}+${proposal}`],
});
