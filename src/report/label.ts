import type { ResultSet } from './types.js';

type Engine = ResultSet['engine'];

/** What a label is made of: this host, or a kernel in the lab; and `--name`, which counts more. */
export type Labelled = { name?: string | undefined } & (
  | { engine: 'host' }
  | {
      engine: Exclude<Engine, 'host'>;
      /** As it stood on the command line. */
      kernel: string;
      /** `uname -r` of an image, as far as it tells. */
      release?: string | undefined;
      /** Module parameters that were asked for. */
      params: readonly string[];
    }
);

const USUAL_ENGINES: readonly Engine[] = ['host', 'bochs'];

/** How a run differs from a usual one of the same kernel: another engine, module parameters. The order given does not count. */
export const variantOf = ({ engine, params }: { engine: Engine; params: readonly string[] }): string[] => [
  ...(USUAL_ENGINES.includes(engine) ? [] : [engine]),
  ...[...params].sort(),
];

/**
 * What a kernel is called in results. Readers of results follow a test by its name from run to run, so a path is no part of it:
 * the name of a build folder would begin a new history each time. Runs that differ only in parameters differ in their labels.
 */
export function labelOf(labelled: Labelled): string {
  if (labelled.name !== undefined) return labelled.name;
  if (labelled.engine === 'host') return 'this host';
  const { kernel, release } = labelled;
  const image = kernel.startsWith('debian:') ? kernel : (release ?? 'unknown release');
  return [image, ...variantOf(labelled)].join(',');
}

/** The label with a number if it is taken already: two images of one release in one run. */
export function uniqueLabel(label: string, taken: Set<string>): string {
  let unique = label;
  for (let n = 2; taken.has(unique); n++) unique = `${label} (${n})`;
  taken.add(unique);
  return unique;
}
