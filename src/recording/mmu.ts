import type { Environment } from './recording.js';

/**
 * Whether the legacy MMU maps guests: it traces leaves as they are made, and no zap. Where no event tells of changes, the TDP MMU is no
 * more than an experiment (5.10), and what it does is not judged.
 */
export const hasLegacyMmu = ({
  paging,
  params,
  tracesChanges,
}: Pick<Environment, 'paging' | 'params' | 'tracesChanges'>): boolean =>
  paging !== 'shadow' && (params['kvm.tdp_mmu'] === 'N' || tracesChanges === false);
