import { build, runCatalogue } from './cli.mjs';
import { familiesOf, kernelNamed } from './mutant.mjs';
import { badOf, tryMutant } from './trial.mjs';

/** One try for each mutant, shared out to the processors: each builds and runs one mutant at a time. */
export class Campaign {
  #results;
  /** Among others `killersOf`: what is known of a mutant that was never tried here. */
  #o;
  /** Sources that are being built: a second build would wait. */
  #building = new Set();
  #bases = new Map();

  constructor(results, options) {
    this.#results = results;
    this.#o = options;
  }

  /** Answers the outcomes in the order of `mutants`. */
  async run(mutants) {
    const left = [...mutants];
    const outcomes = new Map();
    const worker = async (processor) => {
      while (left.length > 0) {
        const [mutant] = left.splice(this.#next(left), 1);
        outcomes.set(mutant, await this.#outcome(mutant, processor));
        this.#o.onOutcome(mutant, outcomes.get(mutant));
      }
    };
    await Promise.all(this.#o.processors.map(worker));
    return mutants.map((mutant) => outcomes.get(mutant));
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
    const former = this.#first(mutant);
    const outcome = await this.#try(mutant, base, former, processor);
    return this.#results.save(mutant.id, { key, ...outcome });
  }

  /** The scenarios to begin with: those that noticed it last time, here or by the page, else those of its area. */
  #first(mutant) {
    const { names } = this.#results.catalogue;
    const known = this.#results.last(mutant.id)?.killers ?? this.#o.killersOf(mutant);
    const still = known.filter((name) => names.includes(name));
    if (still.length > 0) return still;
    const families = familiesOf(mutant);
    return names.filter((name) => families.includes(name.split('/')[0]));
  }

  async #try(mutant, base, former, processor) {
    const started = Date.now();
    const seconds = () => Math.round((Date.now() - started) / 1000);
    const { image, error } = await this.#build(mutant.kernel, [mutant.path], processor);
    const buildSeconds = seconds();
    if (error !== undefined) return { state: 'not-built', why: error, buildSeconds };
    const run = (what) => this.#run(image, mutant.id, what, processor);
    const outcome = await tryMutant(run, base, former);
    return { ...outcome, buildSeconds, runSeconds: seconds() - buildSeconds };
  }

  /** What the kernel without a fault gives, once for each. */
  async #base(kernel, processor) {
    if (!this.#bases.has(kernel)) this.#bases.set(kernel, this.#findBase(kernel, processor));
    return this.#bases.get(kernel);
  }

  async #findBase(kernel, processor) {
    const id = `${kernel}/unmodified`;
    const key = this.#results.keyFor(kernel);
    const known = this.#results.current(id, key);
    if (known !== undefined) return known;
    const { image, error } = await this.#build(kernel, [], processor);
    const { set, error: reason = error } =
      error === undefined ? await this.#run(image, id, {}, processor) : {};
    if (set === undefined) throw new Error(`${kernel} without a fault cannot be run: ${reason}`);
    const bad = [...badOf(set), ...(set.crashed === undefined ? [] : [set.crashed.reason])];
    if (bad.length > 0) this.#o.onRemark(`${kernel} without a fault fails too: ${bad.join(', ')}`);
    return this.#results.save(id, { key, policy: set.policy.name, bad });
  }

  async #build(kernel, patches, processor) {
    const { series, source, patches: below } = kernelNamed(kernel);
    this.#building.add(series);
    try {
      return await build({ source, patches: [...below, ...patches] }, { processor, signal: this.#o.signal });
    } finally {
      this.#building.delete(series);
    }
  }

  #run(image, id, what, processor) {
    const output = this.#results.pathOf(id, 'run.json');
    return runCatalogue(image, { ...what, output, processor, signal: this.#o.signal });
  }
}
