import { Command, InvalidArgumentError, Option } from 'commander';
import { startProgress } from '../progress.js';
import { runZaps } from '../zaps/session.js';
import { zapTable } from '../zaps/table.js';
import { UsageError } from './errors.js';
import { interrupted } from './interrupt.js';
import { imageOf } from './kernel-image.js';

interface ZapOptions {
  kernel: string[];
  engine: 'bochs' | 'host';
  policy: string;
  vcpus: number[];
  memory: number[];
  vfio?: string;
  timeout: number;
}

const append = (value: string, list: string[]): string[] => [...list, value];

const numbers =
  (max: number) =>
  (value: string): number[] => {
    const list = value.split(',').map(Number);
    if (list.some((n) => !Number.isInteger(n) || n < 1 || n > max)) {
      throw new InvalidArgumentError(`whole numbers from 1 to ${max}, with commas between them, are needed.`);
    }
    return list;
  };

async function zaps(options: ZapOptions): Promise<void> {
  const host = options.engine === 'host';
  if (host && options.kernel.length > 0)
    throw new UsageError('--engine host runs this machine’s own kernel: leave --kernel out');
  if (!host && options.kernel.length === 0) throw new UsageError('a --kernel is needed, or --engine host');
  const cases = options.vcpus.flatMap((vcpus) => options.memory.map((mib) => ({ vcpus, mib })));
  const sets = [];
  for (const kernel of host ? [undefined] : options.kernel) {
    const name = kernel ?? 'this host';
    const image = kernel === undefined ? undefined : await imageOf(kernel);
    using progress = startProgress(`booting VMs on ${name}`);
    const set = await runZaps({
      engine: options.engine,
      kernel: image,
      policy: options.policy,
      device: host ? (options.vfio ?? null) : 'lab',
      cases,
      timeoutMs: options.timeout * 1000,
      signal: interrupted,
      progress: (text) => progress.update(text),
    });
    sets.push({ name, set });
  }
  process.stdout.write(zapTable(sets));
  process.exitCode = sets.some(({ set }) => set.results.some(({ mismatches }) => mismatches.length > 0))
    ? 1
    : 0;
}

/** `kvm-memtype zaps`. */
export function zapsCommand(): Command {
  return new Command('zaps')
    .option(
      '--kernel <image>',
      'boot VMs on this bzImage, or on debian:<version>, in the lab (repeatable)',
      append,
      [],
    )
    .addOption(new Option('--engine <name>', 'where to run').choices(['bochs', 'host']).default('bochs'))
    .option('--policy <name>', 'hold the zaps against this policy; auto finds it by probing', 'auto')
    .option('--vcpus <list>', 'numbers of vCPUs', numbers(8), [1, 2, 4, 8])
    .option('--memory <list>', 'MiB of memory that are mapped', numbers(256), [4, 16, 64])
    .option('--vfio <address>', 'PCI device on this host that may be taken for non-coherent DMA')
    .option(
      '--timeout <seconds>',
      'give up on a kernel after this long',
      (value) => numbers(86_400)(value)[0],
      300,
    )
    .action(zaps);
}
