import { checkCommand } from '../../src/cli/commands/check.js';
import type { Finding } from '../../src/memtype/index.js';
import { printedBy } from './printed.js';

/** What `kvm-memtype check` prints, and its status. */
export interface Checked {
  readonly out: string;
  readonly status: typeof process.exitCode;
}

/**
 * What `kvm-memtype check` says.
 * @throws whatever it ends with
 */
export async function check(...args: string[]): Promise<Checked> {
  const before = process.exitCode;
  try {
    return { out: await printedBy(checkCommand(), args), status: process.exitCode };
  } finally {
    process.exitCode = before;
  }
}

/** Severity, rule and first addresses of each finding, and the status. */
export async function findings(...args: string[]): Promise<{ found: string[]; status: Checked['status'] }> {
  const { out, status } = await check('--format', 'json', ...args);
  const found = JSON.parse(out).findings.map(({ severity, rule, text }: Finding) =>
    `${severity} ${rule} ${/0x[0-9a-f]+-0x[0-9a-f]+/.exec(text)?.[0] ?? ''}`.trim(),
  );
  return { found, status };
}
