/** What a label is made of. */
export interface Labelled {
  /** `--name` */
  name?: string | undefined;
  /** As it stood on the command line; undefined for this host. */
  kernel?: string | undefined;
  /** `uname -r` of an image, as far as it tells. */
  release?: string | undefined;
  engine: string;
  /** Module parameters that were asked for. */
  params: readonly string[];
}

const USUAL_ENGINES = ['host', 'bochs'];

/** How a run differs from a usual one of the same kernel: another engine, module parameters. The order given does not count. */
export const variantOf = ({ engine, params }: Pick<Labelled, 'engine' | 'params'>): string[] => [
  ...(USUAL_ENGINES.includes(engine) ? [] : [engine]),
  ...[...params].sort(),
];

/**
 * What a kernel is called in results. Readers of results follow a test by its name from run to run, so a path is no part of it:
 * the name of a build folder would begin a new history each time. Runs that differ only in parameters differ in their labels.
 */
export function labelOf(labelled: Labelled): string {
  const { name, kernel, release } = labelled;
  if (name !== undefined) return name;
  const image = kernel?.startsWith('debian:') ? kernel : (release ?? 'unknown release');
  return [kernel === undefined ? 'this host' : image, ...variantOf(labelled)].join(',');
}

/** The label with a number if it is taken already: two images of one release in one run. */
export function uniqueLabel(label: string, taken: Set<string>): string {
  let unique = label;
  for (let n = 2; taken.has(unique); n++) unique = `${label} (${n})`;
  taken.add(unique);
  return unique;
}
