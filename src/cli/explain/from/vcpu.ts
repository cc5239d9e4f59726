import { MSR, MSR_BY_NAME } from '../../../arch/msrs.js';
import { classifyMsr, type MsrWrite, type MtrrMsr, type VcpuModel } from '../../../memtype/index.js';
import type { VcpuFacts } from '../state.js';

/** Registers of a vCPU as writes that make them so. */
export function registersOf({ mtrr, pat, cd }: Pick<VcpuModel, 'mtrr' | 'pat' | 'cd'>): VcpuFacts {
  const msrs: MsrWrite[] = [{ msr: MSR.PAT, value: pat }];
  for (const msr of MSR_BY_NAME.values()) {
    const known = classifyMsr(msr) as MtrrMsr;
    if (known.kind !== 'cap' && known.kind !== 'pat' && mtrr.read(known) !== 0n)
      msrs.push({ msr, value: mtrr.read(known) });
  }
  return { msrs, cd };
}
