import type { Crash } from '../types.js';

/** What a way to end early says, of whom, in each format. */
interface Death {
  /** Who: a word that names tests. */
  subject: 'kernel' | 'run' | 'emulator' | 'machine' | 'agent';
  /** What happened, in words. */
  text: string;
  /** What the subject is expected to do: the name of the test that fails. */
  claim: string;
  /** KCIDB: a dead kernel is the tested code's fault, all else is not known to be. */
  kcidb: 'FAIL' | 'ERROR' | 'MISS';
}

const KERNEL: Death = {
  subject: 'kernel',
  text: 'the kernel died',
  claim: 'stays alive',
  kcidb: 'FAIL',
};

const DEATHS = {
  panic: KERNEL,
  oops: KERNEL,
  timeout: { subject: 'run', text: 'the time ran out', claim: 'ends in time', kcidb: 'ERROR' },
  'emulator-died': { subject: 'emulator', text: 'the emulator died', claim: 'stays alive', kcidb: 'MISS' },
  'no-agent': { subject: 'machine', text: 'the machine went off', claim: 'stays on', kcidb: 'MISS' },
  'agent-died': { subject: 'agent', text: 'the agent died', claim: 'stays alive', kcidb: 'ERROR' },
} satisfies Record<string, Death>;

/** Every way to end early that an agent's run knows. */
export type DeathKind = keyof typeof DEATHS;

/** Their names. */
export const deathKinds = Object.keys(DEATHS) as [DeathKind, ...DeathKind[]];

/** For results of a later version, whose kinds are not known here. */
const OTHER: Death = { subject: 'run', text: 'the run broke off', claim: 'reaches its end', kcidb: 'MISS' };

/** How a set ended early: only a panic and an oops are the kernel's death. */
export const deathOf = ({ kind }: Pick<Crash, 'kind'>): Death =>
  Object.hasOwn(DEATHS, kind) ? DEATHS[kind as DeathKind] : OTHER;

/** A death in one sentence, with its reason. */
export const deathText = ({ kind, reason }: Pick<Crash, 'kind' | 'reason'>): string =>
  `${deathOf({ kind }).text} (${kind}: ${reason})`;

/** What ended sets early, each once: `the kernel died (2 times)`. */
export function deathCounts(crashes: readonly Crash[]): string[] {
  const texts = crashes.map((crash) => deathOf(crash).text);
  return [...new Set(texts)].map((text) => {
    const n = texts.filter((other) => other === text).length;
    return n === 1 ? text : `${text} (${n} times)`;
  });
}
