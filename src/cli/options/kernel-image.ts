import { buildKernel } from '../../lab/index.js';
import { interrupted } from '../terminal/interrupt.js';
import { startProgress } from '../terminal/progress.js';

/** `debian:6.1` and the like are built first, or found in the cache; all else is the path of an image. */
export async function imageOf(kernel: string): Promise<string> {
  if (!kernel.startsWith('debian:')) return kernel;
  using progress = startProgress(`building ${kernel}`);
  const built = await buildKernel({
    source: kernel,
    onProgress: (line) => progress.update(line),
    signal: interrupted,
  });
  return built.bzImage;
}
