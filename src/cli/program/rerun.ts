import type { ScenarioSource } from '../../scenario/file/lines.js';
import type { Again, RecordedRequest } from '../../session/recorded/records.js';
import { commandLine } from './invocation.js';

/** The options of `run` that decide what a scenario shows. */
export interface RerunOptions {
  engine: string;
  policy: string;
  strict?: boolean;
  timeout: number;
  param: readonly string[];
  vfio?: string;
  virtioType?: number;
  memslotFlag?: number;
  patch?: readonly string[];
  witness?: boolean;
}

/** Default of `run --timeout`, in seconds. */
export const DEFAULT_TIMEOUT = 300;

/** The arguments that run one scenario again in the same way. */
export function rerunArgs(scenario: string, kernel: string | undefined, options: RerunOptions): string[] {
  const { engine, policy, timeout, memslotFlag, virtioType } = options;
  const values: (readonly [option: string, value: string | undefined])[] = [
    ['--kernel', kernel],
    ['--engine', engine === 'auto' ? undefined : engine],
    ['--policy', policy === 'auto' ? undefined : policy],
    ['--timeout', timeout === DEFAULT_TIMEOUT ? undefined : String(timeout)],
    ['--vfio', options.vfio],
    ['--virtio-type', virtioType === undefined ? undefined : String(virtioType)],
    ['--memslot-flag', memslotFlag === undefined ? undefined : String(Math.log2(memslotFlag))],
    ...(options.patch ?? []).map((patch): readonly [string, string] => ['--patch', patch]),
    ...options.param.map((param): readonly [string, string] => ['--param', param]),
  ];
  const words = values.flatMap(([option, value]) => (value === undefined ? [] : [option, value]));
  return [
    'run',
    scenario,
    ...words,
    ...(options.strict ? ['--strict'] : []),
    ...(options.witness ? ['--witness'] : []),
  ];
}

/** The command, for a shell, that runs one scenario again in the same way. */
export const rerunCommand =
  (options: RerunOptions, kernel: string | undefined): ((scenario: string) => string) =>
  (scenario) =>
    commandLine(rerunArgs(scenario, kernel, options));

const mapped = <T>(
  sources: Readonly<Record<string, ScenarioSource>>,
  of: (source: ScenarioSource) => T,
): Record<string, T> =>
  Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, of(source)]));

/** What a recording keeps of the options, so that it can name the command too. */
export const againOf = (
  { engine, timeout, param, vfio, virtioType, memslotFlag, patch = [], witness }: RerunOptions,
  kernel: string | undefined,
  sources: Readonly<Record<string, ScenarioSource>>,
): Again => ({
  ...(kernel === undefined ? {} : { kernel }),
  engine,
  timeout,
  param: [...param],
  ...(vfio === undefined ? {} : { vfio }),
  ...(virtioType === undefined ? {} : { virtioType }),
  ...(memslotFlag === undefined ? {} : { memslotFlag }),
  ...(patch.length === 0 ? {} : { patch: [...patch] }),
  ...(witness && { witness }),
  files: mapped(sources, ({ file }) => file),
  lines: mapped(sources, ({ lines }) => [...lines]),
});

/** The command that runs one scenario of a recording again, to be held against this policy. */
export function rerunOfRecorded(
  { again }: RecordedRequest,
  scenario: string,
  judged: Pick<RerunOptions, 'policy' | 'strict'>,
): string {
  const argument = Object.hasOwn(again.files, scenario) ? again.files[scenario] : undefined;
  return rerunCommand({ ...again, ...judged }, again.kernel)(argument ?? scenario);
}
