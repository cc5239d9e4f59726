import type { Policy } from '../policy.js';
import { policyA } from './a.js';
import { policyA44 } from './a-4.4.js';
import { policyA65 } from './a-6.5.js';
import { policyB } from './b.js';
import { policyC } from './c.js';
import { policyD } from './d.js';
import { policyD613 } from './d-6.13.js';
import { policyE } from './e.js';
import { policyE612 } from './e-6.12.js';
import { policyMemslot, policyMemslot612, policyMemslotMtrr } from './memslot-flag.js';
import { policyPerVm } from './per-vm-mtrr.js';
import { policyP5, policyP5612 } from './proposal-p5.js';
import { policyVirtioDevice, policyVirtioDevice612 } from './virtio-device.js';
import { policyNone, policyNoneA, policyNpt, policyNptA, policyNptA44 } from './without-ept.js';

/** Every policy, each once. A new one is a file and a line here. */
export const ALL_POLICIES: readonly Policy[] = [
  policyA44,
  policyA,
  policyA65,
  policyB,
  policyC,
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
  policyNone,
  policyNoneA,
  policyNpt,
  policyNptA,
  policyNptA44,
];

/** Policies by name and by alias ('A', '6.1', '7.2', 'none', …). */
export const policies: ReadonlyMap<string, Policy> = new Map(
  ALL_POLICIES.flatMap((policy) => [policy.name, ...policy.aliases].map((name) => [name, policy] as const)),
);
