import { build as buildKernel } from './cli.mjs';
import { kernelNamed } from './mutant.mjs';

/** States that tell of a mutant. All else tells of the machine, and is tried again. */
const TOLD = ['killed', 'survived', 'died', 'found', 'not-found'];

/** One try for each mutant, shared out to the processors: each builds and runs one mutant at a time. */
export class Campaign {
  #results;
  /** Among others `trial`: how a kernel is run and judged; `build`, how it is built. */
  #o;
  /** Sources that are being built: a second build would wait. */
  #building = new Set();
  #bases = new Map();

  constructor(results, options) {
    this.#results = results;
    this.#o = { build: buildKernel, ...options };
  }

  /**
   * Answers the outcomes in the order of `mutants`, without those that there was no time to begin. What is thrown is thrown when all
   * processors have come to their end.
   */
  async run(mutants) {
    const left = [...mutants];
    const outcomes = new Map();
    let failed = false;
    const worker = async (processor) => {
      while (left.length > 0 && Date.now() < this.#o.until && !failed) {
        const [mutant] = left.splice(this.#next(left), 1);
        try {
          outcomes.set(mutant, await this.#outcome(mutant, processor));
        } catch (error) {
          failed = true;
          throw error;
        }
        this.#o.onOutcome(mutant, outcomes.get(mutant));
      }
    };
    const ends = await Promise.allSettled(this.#o.processors.map(worker));
    const rejected = ends.find(({ status }) => status === 'rejected');
    if (rejected !== undefined) throw this.#o.signal?.aborted ? this.#o.signal.reason : rejected.reason;
    return mutants.flatMap((mutant) => outcomes.get(mutant) ?? []);
  }

  /** Take a mutant of a source that nobody builds now, if there is one. */
  #next(left) {
    const free = left.findIndex(({ kernel }) => !this.#building.has(kernelNamed(kernel).series));
    return Math.max(0, free);
  }

  async #outcome(mutant, processor) {
    const key = this.#results.keyFor(mutant.kernel, mutant.text);
    const known = this.#results.current(mutant.id, key);
    if (known !== undefined) return known;
    const base = await this.#base(mutant.kernel, processor);
    if (base.error !== undefined) return { state: 'no-run', why: base.error };
    const outcome = await this.#try(mutant, base, processor);
    return TOLD.includes(outcome.state) ? this.#results.save(mutant.id, { key, ...outcome }) : outcome;
  }

  async #try(mutant, base, processor) {
    const started = Date.now();
    const seconds = () => Math.round((Date.now() - started) / 1000);
    const { image, error } = await this.#build(mutant.kernel, [mutant.path], processor);
    const buildSeconds = seconds();
    if (error !== undefined) return { state: 'not-built', why: error, buildSeconds };
    const run = (what) => this.#run(image, mutant.id, what, processor);
    const outcome = await this.#o.trial.judge(run, base, mutant);
    return { ...outcome, buildSeconds, runSeconds: seconds() - buildSeconds };
  }

  /** What the kernel without a fault gives, once for each; where it could not be run the next mutant asks again. */
  async #base(kernel, processor) {
    if (!this.#bases.has(kernel)) this.#bases.set(kernel, this.#findBase(kernel, processor));
    const base = await this.#bases.get(kernel);
    if (base.error !== undefined) this.#bases.delete(kernel);
    return base;
  }

  async #findBase(kernel, processor) {
    const id = `${kernel}/unmodified`;
    const key = this.#results.keyFor(kernel);
    const known = this.#results.current(id, key);
    if (known !== undefined) return known;
    const { image, error } = await this.#build(kernel, [], processor);
    const run = (what) => this.#run(image, id, what, processor);
    const found = error === undefined ? await this.#o.trial.base(run) : { error };
    if (found.error !== undefined)
      return { error: `${kernel} without a fault cannot be run: ${found.error}` };
    const { bad } = found;
    if (bad.length > 0) this.#o.onRemark(`${kernel} without a fault fails too: ${bad.join(', ')}`);
    return this.#results.save(id, { key, ...found });
  }

  async #build(kernel, patches, processor) {
    const { series, source, patches: below } = kernelNamed(kernel);
    this.#building.add(series);
    try {
      return await this.#o.build(
        { source, patches: [...below, ...patches] },
        { processor, signal: this.#o.signal },
      );
    } finally {
      this.#building.delete(series);
    }
  }

  #run(image, id, what, processor) {
    const output = this.#results.pathOf(id, 'run');
    return this.#o.trial.run(image, { ...what, output, processor, signal: this.#o.signal });
  }
}
