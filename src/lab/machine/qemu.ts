import { join } from 'node:path';
import { concatenate } from '../files.js';
import type { Boot, Command, Engine } from './engine.js';

/** The processor that the kernel under test sees. */
const PROCESSORS = {
  /**
   * No help of the host: AMD SVM with nested paging, emulated. Quick, and there is no memory type in its leaves. The IOMMU, which
   * does not enforce coherency, is there for VFIO groups of real type; Bochs has none.
   */
  'qemu-tcg': ['-accel', 'tcg', '-cpu', 'qemu64,+svm,+npt', '-machine', 'q35', '-device', 'intel-iommu'],
  /** An Intel host whose KVM lets guests have VMX: real EPT at nearly full speed. */
  'qemu-kvm': ['-accel', 'kvm', '-cpu', 'host'],
} as const;

export type QemuEngine = keyof typeof PROCESSORS;

/** An engine that boots with QEMU's own kernel loader. Power-off ends it with status 0. */
export function qemu(engine: QemuEngine): Engine {
  return async (boot: Boot): Promise<Command> => {
    const initrd = join(boot.scratch, 'initrd');
    await concatenate(boot.initrds, initrd);
    return { tool: 'qemu-system-x86_64', args: qemuArguments(engine, boot, initrd) };
  };
}

/** QEMU reads a comma inside an option's value when it is doubled. */
const value = (path: string): string => path.replaceAll(',', ',,');

export function qemuArguments(engine: QemuEngine, boot: Boot, initrd: string): string[] {
  const image = boot.memoryImage;
  const loader = image
    ? ['-device', `loader,file=${value(image.file)},addr=${image.address},force-raw=on`]
    : [];
  return [
    ...PROCESSORS[engine],
    ...['-m', String(boot.memoryMiB)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...loader,
    ...['-serial', `file:${boot.consoleFile}`, '-serial', `file:${boot.resultsFile}`],
    ...['-device', 'e1000', '-kernel', boot.kernel.path, '-initrd', initrd, '-append', boot.commandLine],
  ];
}
