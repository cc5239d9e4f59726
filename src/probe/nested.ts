import { PAGE_SIZE } from '../arch/units.js';
import { FEATURE_CONTROL_VMX, IA32_FEATURE_CONTROL, IA32_VMX_BASIC } from '../arch/vmx.js';
import type { Machine } from '../vmm/machine.js';
import { buildEpt, type EptLeaf, eptPointer } from './ept.js';
import { ProbeBootError, ProbeProtocolError } from './errors.js';
import { LAYOUT as L } from './layout.js';
import type { Probe } from './probe.js';
import type { ProbeResult } from './protocol.js';
import { vmcsFields } from './vmcs.js';

/** VMXON region and VMCS of each vCPU, then L1's EPT: beyond the 2 MiB that the guest itself takes, and touched by no code of it. */
const REGIONS_GPA = L.PROBE_BASE + 0x20_0000;
const REGIONS_SIZE = 2 * PAGE_SIZE;
const EPT_GPA = REGIONS_GPA + 0x1_0000;
const REVISION_MASK = 0x7fff_ffffn;

/** The page of the guest's image whose code L2 runs. */
const L2_CODE: EptLeaf = {
  l2: BigInt(L.PROBE_BASE),
  gpa: BigInt(L.PROBE_BASE),
  level: 1,
  type: 'WB',
  ipat: false,
};

/**
 * The probe guest as a hypervisor of its own (L1): each vCPU runs L2, a guest without page tables, on one EPT. The EPT is written
 * before anything runs, and never changes: KVM watches L1's tables for writes.
 */
export class NestedGuest {
  readonly #ready = new Set<number>();

  /** @param leaves of L1's EPT, besides the one of L2's code */
  constructor(
    readonly machine: Machine,
    readonly probe: Probe,
    leaves: readonly EptLeaf[],
  ) {
    const { ram, ramSize } = machine;
    const tables = buildEpt(EPT_GPA, [L2_CODE, ...leaves]);
    if (EPT_GPA + tables.byteLength > ramSize)
      throw new ProbeBootError(`L1's EPT of ${leaves.length} leaves does not fit the guest's RAM`);
    new Uint8Array(ram.buffer).set(tables, EPT_GPA);
  }

  /** Have L2 read or write 4 bytes at an address of its own; the result's `extra` is the reason of the VM exit that ended it. */
  access(vcpu: number, access: 'read' | 'write', address: bigint): ProbeResult {
    this.#setUp(vcpu);
    const [result] = this.probe.exec(vcpu, [{ op: `l2-${access}`, address }]);
    return result as ProbeResult;
  }

  /** INVEPT of L1's EPT. */
  invept(vcpu: number): ProbeResult {
    this.#setUp(vcpu);
    const [result] = this.probe.exec(vcpu, [{ op: 'invept', eptp: eptPointer(EPT_GPA) }]);
    return result as ProbeResult;
  }

  /** Make a vCPU a hypervisor, once. @throws ProbeProtocolError if a VMX instruction fails */
  #setUp(vcpu: number): void {
    if (this.#ready.has(vcpu)) return;
    const target = this.machine.vcpus[vcpu];
    if (target === undefined) throw new RangeError(`the machine has no vCPU ${vcpu}`);
    if (target.setMsrs([{ index: IA32_FEATURE_CONTROL, value: FEATURE_CONTROL_VMX }]) !== 1)
      throw new ProbeBootError('KVM refuses to let the guest use VMX');
    const revision = (target.getMsrs([IA32_VMX_BASIC])[0] ?? 0n) & REVISION_MASK;
    const [vmxon, vmcs] = [0, PAGE_SIZE].map((at) => REGIONS_GPA + vcpu * REGIONS_SIZE + at) as [
      number,
      number,
    ];
    for (const gpa of [vmxon, vmcs]) {
      const region = new DataView(this.machine.ram.buffer, gpa, PAGE_SIZE);
      new Uint8Array(this.machine.ram.buffer, gpa, PAGE_SIZE).fill(0);
      region.setUint32(0, Number(revision), true);
    }
    const fields = vmcsFields(eptPointer(EPT_GPA));
    const results = this.probe.exec(vcpu, [
      { op: 'vmxon', gpa: BigInt(vmxon) },
      { op: 'vmptrld', gpa: BigInt(vmcs) },
      ...fields.map(([field, value]) => ({ op: 'vmwrite', field, value }) as const),
    ]);
    if (results.some(({ ok }) => !ok)) throw new ProbeProtocolError('a VMX instruction of the guest faulted');
    this.#ready.add(vcpu);
  }
}
