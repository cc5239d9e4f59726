import type { Environment } from './recording.js';

/** Whether the legacy MMU maps guests: it traces leaves as they are made, and no zap. */
export const hasLegacyMmu = ({ paging, params }: Pick<Environment, 'paging' | 'params'>): boolean =>
  paging !== 'shadow' && params['kvm.tdp_mmu'] === 'N';
