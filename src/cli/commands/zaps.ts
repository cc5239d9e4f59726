import { Command, Option } from 'commander';
import { MIB } from '../../arch/units.js';
import { runZaps } from '../../session/zaps/zap-session.js';
import { zapTable } from '../../session/zaps/zap-table.js';
import { textWidth } from '../../text/wrap.js';
import { UsageError } from '../errors.js';
import { addHelp, USAGE_STATUS } from '../options/help.js';
import { policyOption, tellAssumption } from '../options/policy.js';
import { checkTarget, type TargetOptions, targetOf } from '../options/target.js';
import { addRepeatable, kernel, list, pciAddress, seconds, size, whole } from '../options/values.js';
import { DEFAULT_TIMEOUT } from '../program/rerun.js';
import { interrupted } from '../terminal/interrupt.js';
import { withProgress } from '../terminal/progress.js';

interface ZapOptions extends TargetOptions {
  policy: string;
  vcpus: number[];
  /** Bytes. */
  memory: number[];
  timeout: number;
}

async function zaps(options: ZapOptions): Promise<void> {
  tellAssumption(options.policy);
  const host = options.engine === 'host';
  if (!host && options.kernel.length === 0) throw new UsageError('a --kernel is needed, or --engine host');
  checkTarget(options);
  const cases = options.vcpus.flatMap((vcpus) =>
    options.memory.map((bytes) => ({ vcpus, mib: bytes / MIB })),
  );
  const sets = [];
  for (const kernel of host ? [undefined] : options.kernel) {
    const name = kernel ?? 'this host';
    const target = await targetOf(options, kernel);
    const set = await withProgress(`booting VMs on ${name}`, (progress) =>
      runZaps({
        target,
        policy: options.policy,
        cases,
        timeoutMs: options.timeout * 1000,
        signal: interrupted,
        progress: (text) => progress.update(text),
      }),
    );
    sets.push({ name, set });
  }
  process.stdout.write(zapTable(sets, textWidth(process.stdout)));
  process.exitCode = sets.some(({ set }) => set.results.some(({ mismatches }) => mismatches.length > 0))
    ? 1
    : 0;
}

/** `kvm-memtype zaps`. */
export function zapsCommand(): Command {
  const command = addHelp(new Command('zaps'), {
    what:
      'Boot VMs as firmware and Linux do, and count how often KVM zaps its EPT leaves (takes page-table entries away) as the ' +
      'processors program their MTRRs, and for how long.',
    examples: [
      ['zaps --kernel debian:6.1 --vcpus 1,4 --memory 16M', 'one kernel, two VMs'],
      ['zaps --kernel debian:6.1 --kernel debian:7.2', 'two kernels side by side'],
    ],
    statuses: [[0, 'every zap was as the model expects'], [1, 'some were not'], USAGE_STATUS],
  })
    .addOption(new Option('--engine <name>', 'where to run').choices(['bochs', 'host']).default('bochs'))
    .addOption(policyOption('the zaps'))
    .addOption(
      new Option('--vcpus <list>', 'numbers of vCPUs, 1 to 8')
        .argParser(list(whole(1, 8)))
        .default([1, 2, 4, 8], '1,2,4,8'),
    )
    .addOption(
      new Option('--memory <list>', 'memory that is mapped, 1M to 256M; plain numbers are MiB')
        .argParser(list(size(MIB, 256 * MIB, MIB)))
        .default(
          [4, 16, 64].map((mib) => mib * MIB),
          '4M,16M,64M',
        ),
    )
    .option('--vfio <address>', 'PCI device on this host that may be taken for non-coherent DMA', pciAddress)
    .option('--timeout <seconds>', 'give up on a kernel after this long', seconds, DEFAULT_TIMEOUT);
  addRepeatable(
    command,
    '--kernel <image>',
    'boot VMs on this bzImage, or on debian:<version>, in the lab',
    kernel,
  );
  return command.action(zaps);
}
