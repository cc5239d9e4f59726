#!/usr/bin/env node
// `node scripts/pairs.mjs`: look for short walks that exercise all pairs of the state space that the rest of the catalogue leaves, on
// kernels that look up guest MTRRs and on those that do not, and write them down in src/catalogue/pairs/walks.ts. Needs dist/.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../dist/catalogue/index.js';
import { KINDS, walkScenario } from '../dist/catalogue/pairs/kinds.js';
import { CHANGES, PAGES, stepsOf } from '../dist/catalogue/pairs/moves.js';
import { plannedMoments } from '../dist/coverage/plan.js';
import { Tally } from '../dist/coverage/tally.js';
import { findPolicy } from '../dist/memtype/index.js';
import { ROOT } from './setup.mjs';

const POLICIES = ['A', 'E'].map(findPolicy);
const MOST_MOVES = 170;

const PAT = 'quirk-ignore-guest-pat';
/** What no kernel of these policies has. */
const NEVER_MET = ['virtio-device', 'memslot-flag'];
const PAGE = join(ROOT, 'src', 'catalogue', 'pairs', 'walks.ts');
const WIDTH = 100;

const runs = (policy, { needs }) =>
  !needs.some((need) => NEVER_MET.includes(need) || (need === PAT && policy.era !== 'E'));
const isWalk = ({ name }) => KINDS.some((kind) => name === `pairs/${kind.name}`);

/** What is left to be exercised, on each policy. */
class Todo {
  constructor() {
    this.tallies = POLICIES.map((policy) => new Tally(policy));
    for (const one of catalogue.filter((one) => !isWalk(one))) this.add(one);
  }
  add(one) {
    POLICIES.forEach((policy, i) => {
      if (!runs(policy, one)) return;
      for (const moment of plannedMoments(one, policy)) this.tallies[i].add(moment);
    });
  }
  /** New pairs that the moments from number `from` on would bring; `last` alone: of the last one. */
  gain(one, from) {
    let sum = 0;
    POLICIES.forEach((policy, i) => {
      if (!runs(policy, one)) return;
      const tally = this.tallies[i];
      const { space } = tally;
      const fresh = new Set();
      let n = 0;
      for (const moment of plannedMoments(one, policy)) {
        if (n++ < from) continue;
        const numbers = space.numbersOf(moment);
        numbers.forEach((a, k) => {
          for (const b of numbers.slice(k + 1)) {
            const pair = space.pair(a, b);
            if (!tally.pairs.has(pair)) fresh.add(pair);
          }
        });
      }
      sum += fresh.size;
    });
    return sum;
  }
}

const isTouch = (move) => /^[rwxnm][01]\./.test(move);
const touchCount = (moves) => moves.filter(isTouch).length;

function allTouches(walk, moves) {
  const hasSlots = moves.includes(walk.setup);
  return Object.keys(PAGES).flatMap((page) => {
    if (page.includes('log') && walk.setup !== 'slots') return [];
    const kind = page.replace(/^high-/, '');
    const isHole = kind === 'hole' || (!hasSlots && !/^(first|low)/.test(page));
    return [...walk.touches].flatMap((how) => {
      if (isHole && how !== 'r' && how !== 'w') return [];
      if (!hasSlots && kind === 'dev' && how !== 'r') return [];
      if (kind === 'dev' && how !== 'r' && how !== 'n') return [];
      if (/^ro/.test(kind) && how === 'm') return [];
      return [`${how}0.${page}`, `${how}1.${page}`];
    });
  });
}

function legalChanges(walk, moves) {
  const last = (a, b) => moves.findLast((move) => move === a || move === b);
  const toggles = [
    ['dma+', 'dma-'],
    ['cd0+', 'cd0-'],
    ['cd1+', 'cd1-'],
    ['slot+', 'slot-'],
  ];
  const off = new Set(walk.never);
  for (const [on, of] of toggles) {
    const set = walk.startCd && on.startsWith('cd') ? [on, undefined] : [of, undefined];
    const now = last(on, of);
    const isOn = now === on || (now === undefined && set[0] === on);
    off.add(isOn ? on : of);
  }
  off.add('slots').add('plain-slots');
  if (!moves.includes(walk.setup)) off.add('log');
  if (!moves.includes('ranges0')) for (const name of ['ranges1', 'ranges2']) off.add(name);
  if (walk.setup !== 'slots') off.add('log');
  if (moves.includes('quirk-pat')) off.add('quirk-pat');
  return [
    ...Object.keys(CHANGES).filter((name) => !off.has(name)),
    ...(moves.includes(walk.setup) ? [] : [walk.setup]),
  ];
}

const costOf = (move) => (isTouch(move) || move.startsWith('cd') ? 1 : stepsOf(move).length > 5 ? 4 : 1.5);

function bestTouch(todo, walk, moves) {
  const from = touchCount(moves);
  let best = { gain: 0 };
  for (const touch of allTouches(walk, moves)) {
    const gain = todo.gain(walkScenario(walk, [...moves, touch]), from);
    if (gain > best.gain) best = { gain, touch };
  }
  return best;
}

/** The best touch after each of these beginnings, by pairs for the cost of what comes new. */
function bestOf(todo, walk, moves, beginnings) {
  const from = touchCount(moves);
  const costs = (next) => next.slice(moves.length).reduce((sum, move) => sum + costOf(move), 0);
  const ranked = beginnings
    .map((next) => ({
      next,
      score:
        todo.gain(walkScenario(walk, [...next, ...allTouches(walk, next)]), from) / (1 + 0.05 * costs(next)),
    }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
  let best = { rate: 0 };
  for (const { next } of ranked.slice(0, 5)) {
    const { gain, touch } = bestTouch(todo, walk, next);
    const rate = gain / (1 + costs(next));
    if (touch !== undefined && rate > best.rate) best = { rate, gain, moves: [...next, touch] };
  }
  return best.moves;
}

const further = (walk, moves) => legalChanges(walk, moves).map((change) => [...moves, change]);

function walkFor(todo, walk) {
  let moves = [...walk.begin];
  while (moves.length < MOST_MOVES) {
    const one = further(walk, moves);
    const best =
      bestOf(todo, walk, moves, [moves, ...one]) ??
      bestOf(
        todo,
        walk,
        moves,
        one.flatMap((next) => further(walk, next)),
      );
    if (best === undefined) break;
    moves = best;
    // What was gained counts as done.
    todo.add(walkScenario(walk, moves));
  }
  return moves;
}

/** Moves in lines, for the file. */
function linesOf(moves) {
  const lines = [];
  for (const move of moves) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + move.length < WIDTH) lines[lines.length - 1] = `${line} ${move}`;
    else lines.push(move);
  }
  return lines.map((line) => `    '${line}',\n`).join('');
}

const nameOf = (name) => (/^\w+$/.test(name) ? name : `'${name}'`);

const todo = new Todo();
const missing = () => todo.tallies.map((tally) => tally.report().pairs.missing);
process.stderr.write(`${missing().map(({ length }) => length)} pairs to go\n`);
const walks = KINDS.map((kind) => {
  const moves = walkFor(todo, kind);
  const left = missing().map(({ length }) => length);
  process.stderr.write(`${kind.name}: ${moves.length} moves, ${left} pairs to go\n`);
  return `  ${nameOf(kind.name)}: [\n${linesOf(moves)}  ],\n`;
});
for (const [i, pairs] of missing().entries())
  process.stderr.write(`${POLICIES[i].name}: ${pairs.join('; ')}\n`);
writeFileSync(
  PAGE,
  `/** The moves of each walk, by its name: made by scripts/pairs.mjs. */\nexport const WALKS: Readonly<Record<string, readonly string[]>> = {\n${walks.join('')}};\n`,
);
