import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../../catalogue/index.js';
import { quickSet } from '../../coverage/index.js';
import { fuzz } from '../../fuzz/campaign.js';
import { SUBJECTS } from '../../fuzz/generate.js';
import { buildKernel, checkoutOf, identifyImage } from '../../lab/index.js';
import { OwnedNames } from '../../process/owned-names.js';
import { variantOf } from '../../report/label.js';
import { exitStatus } from '../../report/summary.js';
import type { RunHeader } from '../../report/types.js';
import { printScenario } from '../../scenario/file/print.js';
import { RunRecorder } from '../../session/recorded/writer.js';
import { selectScenarios } from '../../session/select.js';
import { runSession, type SessionListener } from '../../session/session.js';
import type { Target } from '../../session/target.js';
import { CampaignError } from '../errors.js';
import { Objects } from '../store/objects.js';
import type { BuildJob, Job, RunJob } from './job.js';
import { checkNodes } from './nodes.js';
import type { JobResult, Order } from './result.js';

type FuzzJob = Extract<Job, { kind: 'fuzz' }>;

/** What a job needs beside its order. */
export interface Surroundings {
  tool: RunHeader['tool'];
  host: RunHeader['host'];
  /** A command line of this program, for a shell. */
  commandLine: (args: readonly string[]) => string;
  signal: AbortSignal;
  onProgress: (count: { done: number; total: number }) => void;
}

/** An error that calls files as the campaign does: not by where they are kept. */
function withNames(error: unknown, files: readonly { name: string; path: string }[]): unknown {
  if (!(error instanceof Error)) return error;
  error.message = files.reduce((text, { name, path }) => text.replaceAll(path, name), error.message);
  return error;
}

/** A tree is not copied: it must be what it was when the campaign was planned. */
async function mustBeAt(tree: string, commit: string, signal: AbortSignal): Promise<void> {
  if ((await checkoutOf(tree, signal))?.commit === commit) return;
  throw new CampaignError(
    'CAMPAIGN_SOURCE',
    `${tree} was a clean checkout of ${commit.slice(0, 12)} when the run began: it is not now, or git cannot tell`,
  );
}

/** One job on the way. */
class Performance {
  readonly objects: Objects;
  readonly startedAt = new Date();

  constructor(
    readonly order: Order,
    readonly around: Surroundings,
  ) {
    this.objects = new Objects(order.objects);
  }

  perform(): Promise<JobResult> {
    const { job } = this.order;
    if (job.kind === 'build') return this.#build(job);
    return job.kind === 'run' ? this.#run(job) : this.#fuzz(job);
  }

  async #build({ source, commit, patches, configs }: BuildJob): Promise<JobResult> {
    if (commit !== undefined) await mustBeAt(source, commit, this.around.signal);
    const files = [...patches, ...configs].map(({ name, sha256 }) => ({
      name,
      path: this.objects.path(sha256),
    }));
    for (const { sha256 } of [...patches, ...configs]) this.objects.read(sha256);
    const built = await buildKernel({
      source,
      patches: files.slice(0, patches.length).map(({ path }) => path),
      configs: files.slice(patches.length).map(({ path }) => path),
      signal: this.around.signal,
    }).catch((error: unknown) => {
      throw withNames(error, files);
    });
    const image = this.objects.putFile(built.bzImage);
    const { release } = await identifyImage(built.bzImage);
    return { kind: 'build', image, label: built.label, ...(release !== undefined && { release }) };
  }

  /** Only the image that the campaign names is run. */
  async #target({ kernel, image, engine, needs, params }: RunJob | FuzzJob): Promise<Target> {
    if (needs === 'numa') checkNodes();
    if (engine === 'host' || image === null) return { engine: 'host', device: null };
    const path = this.objects.path(image);
    if (!this.objects.has(image)) throw new CampaignError('CAMPAIGN_OBJECT', `${path} is missing`);
    const identity = await identifyImage(path);
    if (identity.sha256 !== image)
      throw new CampaignError('CAMPAIGN_OBJECT', `${path} is not what its name says`);
    return { engine, kernel: path, params, identity: { image: kernel, ...identity } };
  }

  /** What is common to all that runs on a kernel. */
  async #session(job: RunJob | FuzzJob) {
    const { kernel, engine, params, policy, timeout } = job;
    const name = [kernel, ...variantOf({ engine, params })].join(',');
    const target = await this.#target(job);
    return { name, target, catalogue, policy, timeoutMs: timeout * 1000, signal: this.around.signal };
  }

  /** The options of `run` and `fuzz` that run it on the same kernel. */
  #options({ kernel, image, engine, params, policy }: RunJob | FuzzJob): string[] {
    const path =
      image === null ? undefined : kernel.startsWith('debian:') ? kernel : this.objects.path(image);
    return [
      ...(path === undefined ? [] : ['--kernel', path]),
      ...(engine === 'host' || engine === 'bochs' ? [] : ['--engine', engine]),
      ...(policy === 'auto' ? [] : ['--policy', policy]),
      ...params.flatMap((param) => ['--param', param]),
    ];
  }

  #listener(): SessionListener {
    return {
      header: () => undefined,
      scenario: () => undefined,
      progress: (_, count) => this.around.onProgress(count),
    };
  }

  #header() {
    const { tool, host } = this.around;
    return { tool, ...(host && { host }), startedAt: this.startedAt.toISOString() };
  }

  #durationMs(): number {
    return Date.now() - this.startedAt.getTime();
  }

  async #run(job: RunJob): Promise<JobResult> {
    const { scenarios: chosen, shard, repeat, strict } = job;
    const all = chosen === 'quick' ? quickSet(catalogue) : catalogue;
    const scenarios = selectScenarios(all, typeof chosen === 'string' ? [] : chosen, shard);
    const options = this.#options(job);
    const request = {
      ...(await this.#session(job)),
      scenarios,
      repeat,
      strict,
      rerun: (scenario: string) =>
        this.around.commandLine(['run', scenario, ...options, ...(strict ? ['--strict'] : [])]),
    };
    const header = { ...this.#header(), planned: 1 };
    const recording = this.#recording(header);
    const again = {
      ...(options[0] === '--kernel' ? { kernel: options[1] as string } : {}),
      engine: job.engine,
      timeout: job.timeout,
      param: job.params,
      files: {},
    };
    const recorder = recording?.recorder.forKernel(request, again);
    const set = await runSession({ ...request, ...(recorder && { recorder }) }, this.#listener());
    const run = { ...header, durationMs: this.#durationMs(), sets: [set] };
    await recording?.recorder.finish({ durationMs: run.durationMs });
    const kept =
      recording !== undefined && exitStatus(run) === 1 ? this.objects.putFile(recording.file) : undefined;
    if (recording !== undefined) rmSync(recording.file, { force: true });
    return { kind: 'run', run, ...(kept !== undefined && { recording: kept }) };
  }

  #recording(header: RunHeader): { recorder: RunRecorder; file: string } | undefined {
    const { record, scratch } = this.order;
    if (!record) return undefined;
    mkdirSync(scratch, { recursive: true });
    const file = join(scratch, new OwnedNames('recording.', '.kmr').next());
    return { recorder: new RunRecorder(file, header), file };
  }

  async #fuzz(job: FuzzJob): Promise<JobResult> {
    const { seed, count, time, subjects } = job;
    const again = this.around.commandLine([
      'fuzz',
      ...subjects,
      '--seed',
      String(seed),
      '--count',
      String(count),
      ...(time === undefined ? [] : ['--machine-time', String(time)]),
      ...this.#options(job),
    ]);
    const result = await fuzz(
      {
        session: await this.#session(job),
        seed,
        subjects: subjects.length === 0 ? SUBJECTS : subjects,
        count,
        timeMs: Number.POSITIVE_INFINITY,
        ...(time !== undefined && { machineMs: time * 1000 }),
      },
      { ...this.#listener(), found: () => undefined },
    );
    const { tried, passed, skipped, skip, policy, kernel } = result;
    const finds = result.finds.map(({ kind, times, found, scenario, result: own }) => ({
      kind,
      times,
      found: found.name,
      scenario: printScenario(scenario),
      result: { ...own, failures: own.failures.map((failure) => ({ ...failure, rerun: again })) },
    }));
    const counts = {
      policy: policy?.name ?? 'unknown',
      ...(kernel && { kernel }),
      tried,
      passed,
      skipped,
      ...(skip && { skip }),
      finds,
    };
    return { kind: 'fuzz', fuzz: { ...this.#header(), durationMs: this.#durationMs(), ...counts } };
  }
}

/**
 * Do a job, in this process.
 * @throws LabError, AgentError, WireError, CampaignError CAMPAIGN_OBJECT: it came to no result
 */
export const perform = (order: Order, around: Surroundings): Promise<JobResult> =>
  new Performance(order, around).perform();
