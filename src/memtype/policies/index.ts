import type { Policy } from '../policy.js';
import { policyA } from './eras/a.js';
import { policyA44 } from './eras/a-4.4.js';
import { policyA62 } from './eras/a-6.2.js';
import { policyA65 } from './eras/a-6.5.js';
import { policyB } from './eras/b.js';
import { policyB67 } from './eras/b-6.7.js';
import { policyC } from './eras/c.js';
import { policyD } from './eras/d.js';
import { policyD611 } from './eras/d-6.11.js';
import { policyD613 } from './eras/d-6.13.js';
import { policyE } from './eras/e.js';
import { policyE612 } from './eras/e-6.12.js';
import { policyMemslot, policyMemslot612, policyMemslotMtrr } from './proposals/memslot-flag.js';
import { policyP5, policyP5612 } from './proposals/p5.js';
import { policyPerVm } from './proposals/per-vm-mtrr.js';
import { policyVirtioDevice, policyVirtioDevice612 } from './proposals/virtio-device.js';
import { WITHOUT_EPT } from './without-ept.js';

/** Every policy, each once. A new one is a file and a line here. */
export const ALL_POLICIES: readonly Policy[] = [
  policyA44,
  policyA,
  policyA62,
  policyA65,
  policyB,
  policyB67,
  policyC,
  policyD611,
  policyD,
  policyD613,
  policyE612,
  policyE,
  policyPerVm,
  policyVirtioDevice612,
  policyVirtioDevice,
  policyMemslot612,
  policyMemslot,
  policyMemslotMtrr,
  policyP5612,
  policyP5,
  ...WITHOUT_EPT,
];

/** Policies by name and by alias ('A', '6.1', '7.2', 'none', …). */
export const policies: ReadonlyMap<string, Policy> = new Map(
  ALL_POLICIES.flatMap((policy) => [policy.name, ...policy.aliases].map((name) => [name, policy] as const)),
);
