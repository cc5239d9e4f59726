import { type BuiltKernel, buildKernel } from '../../lab/index.js';
import { safeLine } from '../../text/safe.js';
import { interrupted } from '../terminal/interrupt.js';
import { withProgress } from '../terminal/progress.js';

/** What to build; progress and interrupts are seen to. */
export type BuildRequest = Omit<Parameters<typeof buildKernel>[0], 'onProgress' | 'signal'>;

/**
 * Build a kernel, or find it in the cache, with progress on the terminal; where it does not build, with the last words of what failed.
 * @throws LabError
 */
export async function build(
  request: BuildRequest,
  title = `building ${request.source}`,
): Promise<BuiltKernel> {
  try {
    return await withProgress(title, (progress) =>
      buildKernel({ ...request, onProgress: (line) => progress.update(line), signal: interrupted }),
    );
  } catch (error) {
    const tail = (error as { tail?: readonly string[] }).tail ?? [];
    for (const line of tail) process.stderr.write(`  ${safeLine(line)}\n`);
    throw error;
  }
}
