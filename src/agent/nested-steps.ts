import { gpaOf } from '../arch/units.js';
import { EXIT_REASON_VMCALL } from '../arch/vmx.js';
import { NestedGuest, type Probe } from '../probe/index.js';
import type { StepRecord } from '../recording/recording.js';
import { NestedMappings } from '../scenario/nested.js';
import type { NestedAccessStep, Scenario } from '../scenario/types.js';
import type { Machine } from '../vmm/index.js';

type Outcome = Pick<StepRecord, 'ok' | 'value' | 'vector' | 'exit'>;

/** What the guest of the guest (L2) does in a scenario. */
export class NestedSteps {
  readonly #mappings: NestedMappings;
  #guest: NestedGuest | undefined;

  constructor(
    readonly machine: Machine,
    readonly probe: Probe,
    scenario: Scenario,
  ) {
    this.#mappings = new NestedMappings(scenario.steps);
  }

  /** Have L2 touch a page; `exit` is the reason why it ended, if it did not end by itself. */
  access(step: NestedAccessStep): Outcome {
    const result = this.#hypervisor().access(step.vcpu, step.access, this.#mappings.address(step));
    if (!result.ok) return { ok: false, vector: result.fault.vector };
    const exit = Number(result.extra ?? 0n);
    if (exit !== EXIT_REASON_VMCALL) return { ok: false, exit };
    return step.access === 'read' ? { ok: true, value: result.value } : { ok: true };
  }

  invept(vcpu: number): Outcome {
    const result = this.#hypervisor().invept(vcpu);
    return result.ok ? { ok: true } : { ok: false, vector: result.fault.vector };
  }

  #hypervisor(): NestedGuest {
    this.#guest ??= new NestedGuest(
      this.machine,
      this.probe,
      this.#mappings.all.map(({ gfn, ...leaf }) => ({ ...leaf, gpa: gpaOf(gfn) })),
    );
    return this.#guest;
  }
}
