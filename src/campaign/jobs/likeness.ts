import type { Job } from './job.js';

/** What tells how long a job takes, the broadest first, with tabs between: the more of it is alike, the better. */
export type Likeness = string;

const textOf = (scenarios: Extract<Job, { kind: 'run' }>['scenarios']): string =>
  typeof scenarios === 'string' ? scenarios : [...scenarios].sort().join(' ');

/** All that two jobs which take about the same time have in common: their seed and their image may differ. */
export function likenessOf(job: Job): Likeness {
  if (job.kind === 'build') return ['build', job.kernel].join('\t');
  const { kind, engine, kernel, params } = job;
  const size =
    kind === 'fuzz'
      ? `${job.count} ${[...(job.time === undefined ? [] : [`${job.time} s`]), ...job.subjects].join(' ')}`
      : `${textOf(job.scenarios)} ${job.shard[1]} ${job.repeat}`;
  return [kind, engine, size, kernel, [...params].sort().join(' ')].join('\t');
}

/** A likeness and all that is broader, the narrowest first. */
export function broader(likeness: Likeness): Likeness[] {
  const found = [likeness];
  for (let end = likeness.lastIndexOf('\t'); end > 0; end = likeness.lastIndexOf('\t', end - 1))
    found.push(likeness.slice(0, end));
  return found;
}
