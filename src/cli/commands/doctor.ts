import { Command, Option } from 'commander';
import { catalogue } from '../../catalogue/index.js';
import { canCheck, type Diagnosis, diagnosisJson, diagnosisText } from '../../doctor/diagnosis.js';
import { type AskedKvm, examineKvm } from '../../doctor/kvm.js';
import { examineLab } from '../../doctor/lab.js';
import { labInventory } from '../../lab/index.js';
import { examine } from '../../session/examine.js';
import { AgentError } from '../../session/lane.js';
import type { Target } from '../../session/target.js';
import { textWidth } from '../../text/wrap.js';
import { EXIT_ENVIRONMENT } from '../errors.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { addParameters, checkTarget, type TargetOptions, targetOf } from '../options/target.js';
import { addRepeatable, kernel, pciAddress, seconds } from '../options/values.js';
import { DEFAULT_TIMEOUT } from '../program/rerun.js';
import { interrupted } from '../terminal/interrupt.js';
import { log } from '../terminal/log.js';
import { withProgress } from '../terminal/progress.js';

interface DoctorOptions extends TargetOptions {
  json?: boolean;
  timeout: number;
}

const HELP: Help = {
  what:
    'Say what can be checked here and what not, each with the reason and what would help: this machine’s KVM, every way to ' +
    'non-coherent DMA, and the lab. With --kernel, what that kernel’s KVM can do in the lab. Changes nothing.',
  examples: [
    ['doctor', 'this machine, and the lab'],
    ['doctor --json', 'the same, for programs'],
    ['doctor --kernel debian:6.1', 'what Debian’s 6.1 can do in the lab; it is built first'],
  ],
  statuses: [
    [0, 'run would check something: on this machine, or on kernels in the lab'],
    [2, `nothing can be checked; or ${USAGE_STATUS[1]}`],
  ],
};

/** An agent that could not start says why; all else is no finding. */
async function askKvm(name: string, target: Target, timeoutMs: number): Promise<AskedKvm> {
  const environment = await examine(target, {
    timeoutMs,
    signal: interrupted,
    onConsole: (line) => log().debug({ kernel: name }, line),
  }).catch((error: unknown) => {
    if (error instanceof AgentError) return error.message;
    throw error;
  });
  return { name, environment };
}

async function doctor(options: DoctorOptions): Promise<void> {
  checkTarget(options);
  const given = options.kernel.length > 0 ? options.kernel : [undefined];
  const asked: AskedKvm[] = [];
  for (const one of given) {
    const name = one ?? 'this host';
    const target = await targetOf(options, one);
    asked.push(await withProgress(`asking ${name}`, () => askKvm(name, target, options.timeout * 1000)));
  }
  const diagnosis: Diagnosis = {
    kvms: asked.map((one) => examineKvm(one, catalogue)),
    ...(options.kernel.length === 0 && { lab: examineLab(labInventory()) }),
  };
  process.stdout.write(
    options.json ? diagnosisJson(diagnosis) : diagnosisText(diagnosis, textWidth(process.stdout)),
  );
  process.exitCode = canCheck(diagnosis) ? 0 : EXIT_ENVIRONMENT;
}

/** `kvm-memtype doctor`. */
export function doctorCommand(): Command {
  const command = addHelp(new Command('doctor'), HELP)
    .option('--json', 'print JSON')
    .addOption(
      new Option('--engine <name>', 'where to boot --kernel')
        .choices(['auto', 'host', 'bochs', 'qemu-tcg'])
        .default('auto'),
    )
    .option('--vfio <address>', 'PCI device on this host that may be taken for non-coherent DMA', pciAddress)
    .option('--timeout <seconds>', 'give up on a machine after this long', seconds, DEFAULT_TIMEOUT);
  addRepeatable(command, '--kernel <image>', 'ask this bzImage, or debian:<version>, in the lab', kernel);
  addParameters(command, 'the lab’s kernel');
  return command.action(doctor);
}
