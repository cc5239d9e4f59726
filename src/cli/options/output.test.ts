import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addOutputOptions, outputPlans } from './output.js';

function plansOf(...args: string[]) {
  const command = addOutputOptions(new Command('x'))
    .exitOverride()
    .action(() => {});
  command.parse(args, { from: 'user' });
  return outputPlans(command);
}

it('pairs what the command line says, in its order', () => {
  expect(plansOf('--format', 'ktap', '--format=json', '--output', 'r')).toEqual([
    { format: 'ktap', file: undefined },
    { format: 'json', file: 'r' },
  ]);
  expect(plansOf()).toEqual([{ format: 'pretty', file: undefined }]);
});

it('refuses a format that it does not know', () => {
  expect(() => plansOf('--format', 'xml')).toThrow(
    '--format xml is not one of pretty, ktap, tap, kselftest, junit, json, kcidb, github, html',
  );
});
