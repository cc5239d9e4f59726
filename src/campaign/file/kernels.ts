import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import picomatch from 'picomatch';
import { withSeries } from '../../history/mails.js';
import { checkoutOf, identifyImage } from '../../lab/index.js';
import { readInput } from '../../process/read-file.js';
import { CampaignError } from '../errors.js';
import { haveImage, placeOf } from '../images/get.js';
import type { Place } from '../images/place.js';
import type { Plan, PlannedKernel } from '../jobs/plan.js';
import type { Objects } from '../store/objects.js';
import { shortName } from './names.js';
import { mustNotHave } from './range.js';
import type { CampaignFile } from './schema.js';

type Given = CampaignFile['kernels'][number];
type Built = Extract<Given, { source: string }>;
type ByHash = Extract<Given, { sha256: string }>;
type NamedFile = Extract<PlannedKernel['from'], { kind: 'build' }>['patches'][number];

const PATCH_LIMIT = { limit: 256 << 20, why: 'the most for a patch' };

/** What kernels are made of is kept by its hash: what becomes of the files later does not matter. */
class Resolver {
  constructor(
    private readonly objects: Objects,
    private readonly folder: string,
    private readonly places: readonly Place[],
  ) {}

  async resolve(given: Given): Promise<PlannedKernel[]> {
    if (typeof given === 'string') {
      if (given === 'host') return [{ name: 'this host', from: { kind: 'host' } }];
      if (given.startsWith('debian:')) return [plain(given)];
      return this.#images(given);
    }
    if ('host' in given)
      return [{ name: given.name ?? `${given.host} host`, from: { kind: 'host', needs: given.host } }];
    if ('images' in given) return this.#images(given.images);
    if ('sha256' in given) return [await this.#byHash(given)];
    if ('image' in given) return [await this.#image(this.#path(given.image), given.name)];
    return given.range === undefined ? [await this.#built(given)] : this.#range(given, given.range);
  }

  #path(path: string): string {
    return resolve(this.folder, path);
  }

  /** A `*` is for any part of a file's name; not of a folder's. */
  async #images(pattern: string): Promise<PlannedKernel[]> {
    const path = this.#path(pattern);
    if (!pattern.includes('*')) return [await this.#image(path, undefined)];
    const folder = dirname(path);
    const fits = picomatch(basename(path), { bash: true, nobrace: true, noextglob: true, nobracket: true });
    const names = isFolder(folder) ? readdirSync(folder).filter((name) => fits(name)) : [];
    if (names.length === 0) throw new CampaignError('CAMPAIGN_FILE', `no kernel image is called ${pattern}`);
    return Promise.all(names.sort().map((name) => this.#image(join(folder, name), name)));
  }

  async #image(path: string, name: string | undefined): Promise<PlannedKernel> {
    const identity = await identifyImage(path);
    const sha256 = this.objects.putFile(path);
    if (sha256 !== identity.sha256) throw new CampaignError('CAMPAIGN_FILE', `${path} changes just now`);
    return { name: name ?? identity.release ?? basename(path), from: { kind: 'image', path, sha256 } };
  }

  async #byHash({ name, sha256 }: ByHash): Promise<PlannedKernel> {
    await haveImage(this.objects, sha256, this.places);
    const path = this.objects.path(sha256);
    const { release } = await identifyImage(path);
    return { name: name ?? release ?? sha256.slice(0, 12), from: { kind: 'image', path, sha256 } };
  }

  async #built({ name, source, patches, configs }: Built): Promise<PlannedKernel> {
    const path = this.#source(source);
    // Of what is no clean checkout it is not known what it was.
    const commit = isFolder(path) ? (await checkoutOf(path))?.commit : undefined;
    const from = {
      kind: 'build' as const,
      source: path,
      ...(commit !== undefined && { commit }),
      patches: await this.#files(patches),
      configs: await this.#files(configs),
    };
    const own = [...patches, ...configs].map((file) => basename(file).replace(/\.\w+$/, ''));
    return { name: name ?? shortName([source, ...own].join('+')), from };
  }

  #source(source: string): string {
    return source.startsWith('debian:') ? source : this.#path(source);
  }

  #files(files: readonly string[]): Promise<NamedFile[]> {
    return Promise.all(files.map((file) => this.#file(this.#path(file))));
  }

  async #file(path: string): Promise<NamedFile> {
    return { name: shortName(basename(path)), sha256: this.objects.put(await readInput(path, PATCH_LIMIT)) };
  }

  /** The source, and a kernel for each commit: the source with the patches up to it. */
  async #range(given: Built, range: string): Promise<PlannedKernel[]> {
    const repository = this.#path(given.git ?? given.source);
    if (!isFolder(repository))
      throw new CampaignError(
        'CAMPAIGN_FILE',
        `the range ${range} needs a git tree: ${given.git ?? given.source} is none; git names one`,
      );
    const base = await this.#built(given);
    const { from } = base;
    if (from.kind !== 'build') return [base];
    return withSeries({ files: [], range, repository }, async (series) => {
      if (given.git === undefined) mustNotHave(repository, range, series[0]);
      const own: NamedFile[] = [];
      for (const { file } of series) own.push(await this.#file(file));
      const upTo = (i: number): PlannedKernel => ({
        name: `${base.name} ${i}/${own.length}`,
        from: { ...from, patches: [...from.patches, ...own.slice(0, i)] },
      });
      return [base, ...own.map((_, i) => upTo(i + 1))];
    });
  }
}

const plain = (source: string): PlannedKernel => ({
  name: source,
  from: { kind: 'build', source, patches: [], configs: [] },
});

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** What the names of kernels and sets of parameters must not do. */
function mustDiffer(kernels: readonly PlannedKernel[]): void {
  const names = kernels.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new CampaignError('CAMPAIGN_FILE', `two kernels are called ${twice}: give them names`);
}

/**
 * Find all that a campaign's jobs are made of, and keep it by its hash.
 * @param folder paths in the file count from here
 * @throws CampaignError CAMPAIGN_FILE, LabError, InputFileError
 */
export async function planOf(
  file: CampaignFile,
  folder: string,
  tool: string,
  objects: Objects,
): Promise<Plan> {
  const resolver = new Resolver(
    objects,
    folder,
    file.places.map((place) => placeOf(place, folder)),
  );
  const kernels: PlannedKernel[] = [];
  for (const given of file.kernels)
    for (const kernel of await resolver.resolve(given))
      kernels.push({ ...kernel, name: shortName(kernel.name) });
  mustDiffer(kernels);
  const { kernels: _, fuzz, ...campaign } = file;
  return { campaign: { ...campaign, ...(fuzz && { fuzz }) }, kernels, tool };
}
