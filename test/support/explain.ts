import { vi } from 'vitest';
import { explainCommand } from '../../src/cli/commands/explain.js';

/**
 * What `kvm-memtype explain` prints.
 * @throws whatever it ends with
 */
export async function explain(...args: string[]): Promise<string> {
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    const command = explainCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    await command.parseAsync(args, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return out;
}

/** The same as JSON. */
export const explainJson = async (...args: string[]) =>
  JSON.parse(await explain('--format', 'json', ...args));
