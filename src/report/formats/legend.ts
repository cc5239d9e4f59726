import { hang } from '../../text/wrap.js';
import { summarize } from '../summary.js';
import type { RunResult } from '../types.js';

/** Words of the output that somebody who runs this for the first time cannot know, and when they stand there. */
const WORDS: readonly (readonly [word: string, meaning: string, isShown: (run: RunResult) => boolean])[] = [
  [
    'policy',
    'the rules by which a kernel chooses memory types: known eras and proposals have names',
    ({ sets }) => sets.length > 0,
  ],
  [
    'leaf',
    'the page-table entry (EPT) by which KVM maps a guest page; it holds the memory type',
    (run) => checked(run, 'leaves'),
  ],
  ['zap', 'a leaf that KVM takes away, to make it anew with another type', (run) => checked(run, 'zaps')],
  [
    'kept',
    'leaves that had to stay while the guest changed something, and stayed',
    (run) => checked(run, 'kept'),
  ],
  [
    'effective',
    'the type that an access really has: of the leaf and the guest PAT together',
    (run) => checked(run, 'effective'),
  ],
  [
    'erratum',
    'a known departure of a kernel from the SDM or from its own rules; expected, so no failure',
    ({ sets }) => sets.some(({ scenarios }) => scenarios.some(({ errata }) => errata.length > 0)),
  ],
];

const checked = (run: RunResult, kind: string): boolean => (summarize(run.sets).checks[kind] ?? 0) > 0;

/** Explain the words that the output of this run holds, each in a line. */
export function legendText(run: RunResult, width: number): string {
  const shown = WORDS.filter(([, , isShown]) => isShown(run));
  return shown.map(([word, meaning]) => `${hang(`  ${word.padEnd(9)}  `, meaning, width)}\n`).join('');
}
