// Every command that takes --policy reads it in the same way.

import type { Command } from 'commander';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { explainCommand } from '../commands/explain.js';
import { runCommand } from '../commands/run.js';
import { zapsCommand } from '../commands/zaps.js';
import { log } from '../terminal/log.js';

// Without what each command asks for next, so that it ends there once the policy was taken.
const COMMANDS: readonly [string, () => Command, string[], RegExp][] = [
  ['run', runCommand, ['no/such/scenario'], /no\/such\/scenario/],
  ['zaps', zapsCommand, [], /a --kernel is needed/],
  ['explain', explainCommand, [], /explain needs --gpa/],
];

beforeEach(() => {
  vi.spyOn(log(), 'warn').mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const call = (create: () => Command, args: string[]): Promise<unknown> =>
  create()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .parseAsync(args, { from: 'user' });

const cases = (names: readonly string[]) =>
  COMMANDS.flatMap(([command, create, args, next]) =>
    names.map((name) => ({ command, name, create, args: [...args, '--policy', name], next })),
  );

test.each(
  cases([
    'E',
    '6.14.3',
    '6.1.0-28-amd64',
    '5.15.0-91-generic',
    '6.18.44-fc-v782',
    'v6.6',
    '6.12.85+deb13-amd64',
    '7.2+P5',
  ]),
)('$command takes --policy $name', async ({ create, args, next }) => {
  await expect(call(create, args)).rejects.toThrow(next);
});

test.each(cases(['nope', '6.1+P9']))('$command refuses --policy $name', async ({ name, create, args }) => {
  await expect(call(create, args)).rejects.toThrow(`no policy is called '${name}'`);
});

test.each(cases(['4.2', '3.10.0-1160.el7.x86_64']))(
  '$command says that --policy $name is too old',
  async ({ create, args }) => {
    await expect(call(create, args)).rejects.toThrow(/is older than 4\.4, where the oldest policy/);
  },
);

test.each(cases(['6.12.0-30-amd64', '6.1.0-28-amd64']).filter(({ command }) => command !== 'explain'))(
  '$command --policy $name logs what is assumed, where something is',
  async ({ name, create, args }) => {
    await expect(call(create, args)).rejects.toThrow();
    const expected = name.startsWith('6.12') ? [[expect.stringContaining('does not tell which 6.12.y')]] : [];
    expect(vi.mocked(log().warn).mock.calls).toEqual(expected);
  },
);
