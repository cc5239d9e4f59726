import type { Environment } from '../recording/recording.js';
import type { Fingerprint } from '../report/types.js';

/** What KVM was asked for; the numbers of proposals only where the kernel has them. */
function capabilitiesOf(env: Environment): Record<string, number> {
  const has = (need: 'virtio-device' | 'memslot-flag'): boolean => env.missing[need] === undefined;
  return {
    KVM_CAP_DISABLE_QUIRKS2: env.quirks,
    ...(has('virtio-device') ? { KVM_DEV_TYPE_VIRTIO: env.virtioType } : {}),
    ...(has('memslot-flag') ? { KVM_MEM_NON_COHERENT_DMA: env.memslotFlag } : {}),
  };
}

/** What machine and kernel an agent found itself on; nothing is known where none told. */
export function fingerprintOf(env: Environment | undefined): Fingerprint {
  if (env === undefined) return { cpu: 'unknown', ept: false, params: {}, capabilities: {} };
  const { cpuModel, microcode, version, paging, params } = env;
  return {
    cpu: cpuModel,
    ...(microcode === undefined ? {} : { microcode }),
    version,
    ept: paging === 'ept',
    params,
    capabilities: capabilitiesOf(env),
  };
}
