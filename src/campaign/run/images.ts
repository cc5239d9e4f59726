import { readFileSync } from 'node:fs';
import { CampaignError } from '../errors.js';
import type { Order } from '../jobs/result.js';
import type { KernelState, Table } from '../jobs/table.js';
import { type Objects, objectHash } from '../store/objects.js';
import type { Execute, JobEnd } from './child.js';

type ExecuteOptions = Parameters<Execute>[1];

/** Undefined if it cannot be read. */
function hashOf(path: string): string | undefined {
  try {
    return objectHash(readFileSync(path));
  } catch {
    return undefined;
  }
}

/** Has images again that are missing or damaged in a campaign's folder. */
class ImageKeeper {
  /** Jobs of one image wait for the same. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** When an image was there again last. */
  readonly #had = new Map<string, number>();

  constructor(
    private readonly table: Table,
    private readonly objects: Objects,
    private readonly execute: Execute,
  ) {}

  readonly executeWithImage: Execute = async (order, o) => {
    const image = order.job.kind === 'build' ? null : order.job.image;
    if (image === null) return this.execute(order, o);
    const began = Date.now();
    const end = await this.#tried(order, image, o);
    if (end.kind !== 'lost' || end.loss !== 'image') return end;
    // Hashed only now: most jobs find their image as it should be. One that is as it should be is no valid kernel.
    await (this.#underWay.get(image) ?? this.#mend(image, order, o));
    return { ...end, retry: end.retry || (this.#had.get(image) ?? 0) >= began };
  };

  async #mend(image: string, order: Order, o: ExecuteOptions): Promise<void> {
    if (this.objects.isWhole(image)) return;
    const having = this.#have(image, order, o).finally(() => this.#underWay.delete(image));
    this.#underWay.set(image, having);
    await having;
  }

  /** An image that cannot even be sent to a worker costs its own jobs, and no others. */
  async #tried(order: Order, image: string, o: ExecuteOptions): Promise<JobEnd> {
    try {
      return await this.execute(order, o);
    } catch (error) {
      if (!(error instanceof CampaignError) || error.code !== 'CAMPAIGN_OBJECT') throw error;
      if (this.objects.isWhole(image)) throw error;
      return { kind: 'lost', loss: 'image', text: error.message, retry: false };
    }
  }

  /** From where it came, or built once more, which gives the same. */
  async #have(image: string, order: Order, o: ExecuteOptions): Promise<void> {
    for (const { kernel, build } of this.table.kernels.filter((one) => one.image?.sha256 === image)) {
      if (kernel.from.kind === 'image') this.#copy(kernel.from.path, image);
      else if (build !== undefined) await this.#build(build, image, order, o);
      if (!this.objects.isWhole(image)) continue;
      this.#had.set(image, Date.now());
      return;
    }
  }

  #copy(path: string, image: string): void {
    if (hashOf(path) === image) this.objects.putFile(path);
  }

  async #build(
    { job }: NonNullable<KernelState['build']>,
    image: string,
    order: Order,
    { timeoutMs, signal }: ExecuteOptions,
  ): Promise<void> {
    await this.#tried({ ...order, job }, image, { timeoutMs, signal, onProgress: () => {} });
  }
}

/** A job whose image is missing or damaged is tried again once that is there again. */
export const withImages = (table: Table, objects: Objects, execute: Execute): Execute =>
  new ImageKeeper(table, objects, execute).executeWithImage;
