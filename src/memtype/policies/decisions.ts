import type { Decision } from '../policy.js';
import type { Rule, TypeSource } from '../types.js';

/** Host MMIO is UC in every era; the guest's PAT still combines with it, so WC is possible. */
export function hostMmio(why?: Rule[]): Decision {
  why?.push({
    text: 'the frame behind the page is host MMIO: UC, IPAT 0',
    source: 'kvm_is_mmio_pfn() and vmx_get_mt_mask(), all versions',
    by: 'device',
  });
  return { type: 'UC', ipat: false };
}

/** Cacheable, whatever the guest asks for. */
export function forcedWb(text: string, source: string, why?: Rule[], by: TypeSource = 'coherent'): Decision {
  why?.push({ text: `${text}: WB, IPAT 1`, source, by });
  return { type: 'WB', ipat: true };
}

/** Cacheable, and the guest's PAT counts. */
export function wbWithPat(text: string, source: string, why?: Rule[], by: TypeSource = 'dma'): Decision {
  why?.push({ text: `${text}: WB, IPAT 0`, source, by });
  return { type: 'WB', ipat: false };
}
