import { join } from 'node:path';
import type { Boot, Command } from './engine.js';
import { concatenate } from './files.js';

/** QEMU without any help of the host, emulating AMD SVM with nested paging: quick, and no memory type in its leaves. */
export async function qemuTcg(boot: Boot): Promise<Command> {
  const initrd = join(boot.scratch, 'initrd');
  await concatenate(boot.initrds, initrd);
  return { tool: 'qemu-system-x86_64', args: qemuArguments(boot, initrd) };
}

export function qemuArguments(boot: Boot, initrd: string): string[] {
  const image = boot.memoryImage;
  const loader = image ? ['-device', `loader,file=${image.file},addr=${image.address},force-raw=on`] : [];
  return [
    ...['-accel', 'tcg', '-cpu', 'qemu64,+svm,+npt', '-m', String(boot.memoryMiB)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...loader,
    ...['-serial', `file:${boot.consoleFile}`, '-serial', `file:${boot.resultsFile}`],
    ...['-device', 'e1000', '-kernel', boot.kernel.path, '-initrd', initrd, '-append', boot.commandLine],
  ];
}
