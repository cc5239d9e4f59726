import { open } from 'node:fs/promises';
import { LabError } from './errors.js';

/**
 * Check that a file is an x86 Linux kernel image that is all there (Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header").
 *
 * @throws LabError LAB_KERNEL_INVALID, LAB_FILE
 */
export async function checkBzImage(path: string): Promise<void> {
  const file = await open(path, 'r').catch(() => {
    throw new LabError('LAB_FILE', `cannot read the kernel ${path}`);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(0x300), 0, 0x300, 0);
    if (
      bytesRead < 0x300 ||
      buffer.readUInt16LE(0x1fe) !== 0xaa55 ||
      buffer.toString('latin1', 0x202, 0x206) !== 'HdrS'
    )
      throw new LabError('LAB_KERNEL_INVALID', `${path} is not a bzImage`);
    const expected = ((buffer[0x1f1] || 4) + 1) * 512 + buffer.readUInt32LE(0x1f4) * 16;
    const { size } = await file.stat();
    if (size < expected)
      throw new LabError('LAB_KERNEL_INVALID', `${path} is cut short: ${size} bytes of at least ${expected}`);
  } finally {
    await file.close();
  }
}
