import { fileURLToPath } from 'node:url';

const fragment = (name: string): string =>
  fileURLToPath(new URL(`../../../kernels/${name}`, import.meta.url));

/**
 * The lab's own configuration fragments for a kernel. Nothing in the lab uses the network, and without it a kernel builds and boots
 * faster: only a KVM that depends on it gets it.
 *
 * @param kvmKconfig text of arch/x86/kvm/Kconfig
 * @param modular whether KVM is to be modules
 */
export function labConfigs(kvmKconfig: string, modular = false): string[] {
  const kvm = /^config KVM$(.*?)^config /ms.exec(`${kvmKconfig}\nconfig `)?.[1] ?? '';
  const needsNet = /^\s*depends on .*\bNET\b/m.test(kvm);
  return [
    fragment('lab.config'),
    ...(needsNet ? [fragment('lab-net.config')] : []),
    ...(modular ? [fragment('modules.config')] : []),
  ];
}
