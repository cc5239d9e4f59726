import { catalogue } from '../../catalogue/index.js';
import { type BootCost, type Side, sideOfRecorded, sidesOfResult } from '../../compare/side.js';
import { labelOf, uniqueLabel } from '../../report/label.js';
import type { ResultSet } from '../../report/types.js';
import type { Scenario } from '../../scenario/types.js';
import { type RecordedKernel, readRecordingFile } from '../../session/recorded/read.js';
import { keepRecorded } from '../../session/recorded/writer.js';
import { runSession } from '../../session/session.js';
import { UsageError } from '../errors.js';
import { type TargetOptions, targetOf } from '../options/target.js';
import { interrupted } from '../terminal/interrupt.js';
import { log } from '../terminal/log.js';
import { withProgress } from '../terminal/progress.js';
import { measureBoots } from './boots.js';
import { kindOf, readResults } from './judged.js';
import { againOf, rerunCommand } from './rerun.js';

/** How kernels among the operands of `compare` are run. */
export interface OperandOptions extends Omit<TargetOptions, 'kernel' | 'vfio'> {
  timeout: number;
  param: readonly string[];
  scenarios: readonly Scenario[];
  /** How often all is run, for its costs; once if not given. */
  repeat?: number;
}

/** A kernel that was run, and what it did. */
interface RunKernel {
  recorded: RecordedKernel;
  set: ResultSet;
  boots: readonly BootCost[] | undefined;
  /** What decides nothing but should be known. */
  warnings: string[];
}

/** Run a kernel in the lab, and keep what it did. */
export async function runOperand(
  operand: string,
  options: OperandOptions,
  labels: Set<string>,
): Promise<RunKernel> {
  const { scenarios, timeout, param, engine, snapshot = false, repeat = 1 } = options;
  const target = await targetOf({ engine, param, snapshot, kernel: [operand] }, operand);
  const again = { engine, policy: 'auto', timeout, param };
  const release = target.engine === 'host' ? undefined : target.identity?.release;
  const label =
    target.engine === 'host' ? labelOf({ engine: 'host' }) : labelOf({ ...target, kernel: operand, release });
  const request = {
    name: uniqueLabel(label, labels),
    target,
    scenarios,
    catalogue,
    policy: 'auto',
    repeat,
    timeoutMs: timeout * 1000,
    rerun: rerunCommand(again, operand),
    signal: interrupted,
  };
  const { recorder, recorded } = keepRecorded(request, againOf(again, operand, {}));
  const warnings: string[] = [];
  const set = await withProgress(`running ${request.name} in ${target.engine}`, (progress) =>
    runSession(
      { ...request, recorder },
      {
        header: () => {},
        scenario: () => {},
        progress: (text, count) => progress.update(text, count),
        console: (line) => log().debug({ kernel: request.name }, line),
        warning: (text) => {
          warnings.push(text);
          log().warn({ kernel: request.name }, text);
        },
      },
    ),
  );
  const { name, timeoutMs } = request;
  const isMeasured = repeat > 1 && target.engine === 'bochs' && set.crashed === undefined;
  const boots = isMeasured ? await measureBoots(target, name, { repeat, timeoutMs }) : undefined;
  return { recorded: recorded() as RecordedKernel, set, boots, warnings };
}

const ofRecorded = (kernels: readonly RecordedKernel[]): Side[] =>
  kernels.flatMap((kernel) => sideOfRecorded(kernel) ?? []);

async function sidesOf(operand: string, options: OperandOptions, labels: Set<string>): Promise<Side[]> {
  const kind = operand.startsWith('debian:') ? 'kernel' : await kindOf(operand);
  if (kind === 'recording') return ofRecorded((await readRecordingFile(operand)).kernels);
  if (kind === 'result' || kind === 'watch') return sidesOfResult((await readResults(operand)).run);
  const { recorded, boots } = await runOperand(operand, options, labels);
  return ofRecorded([recorded]).map((side) => ({ ...side, ...(boots && { boots }) }));
}

/**
 * The kernels to compare: each operand is a kernel, which is run, a recording, or a saved result; the latter two may hold several.
 * @throws UsageError if there are fewer than two; what reading and running throw
 */
export async function readOperands(operands: readonly string[], options: OperandOptions): Promise<Side[]> {
  const labels = new Set<string>();
  const sides: Side[] = [];
  for (const operand of operands) {
    const own = await sidesOf(operand, options, labels);
    if (own.length === 0) throw new UsageError(`${operand} holds no results of any kernel`);
    sides.push(...own);
  }
  if (sides.length < 2)
    throw new UsageError('there is one kernel only: name another one, or a file that holds several');
  return sides;
}
