import type { Command } from 'commander';
import { vi } from 'vitest';

/**
 * What a command prints.
 * @throws whatever it ends with
 */
export async function printedBy(command: Command, args: readonly string[]): Promise<string> {
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    const quiet = command.exitOverride().configureOutput({ writeErr: () => {} });
    await quiet.parseAsync([...args], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return out;
}
