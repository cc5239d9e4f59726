import { expect, test } from 'vitest';
import { OwnedNames } from './owned-names.js';
import { ownProcessId, startTime } from './owner.js';

const [pid, start, namespace] = ownProcessId().split('-');
/** No process has such an id: it is above the kernel's limit of 2^22. */
const DEAD = `999999999-${start}-${namespace}`;
const REUSED = `${pid}-${Number(start) - 1}-${namespace}`;
const PARENT = `${process.ppid}-${startTime(process.ppid)}-${namespace}`;

const names = new OwnedNames('kvm-', '.json');

test('a name bears its owner, and is given once', () => {
  const [first, second] = [names.next(), names.next()];

  expect(first).toMatch(new RegExp(`^kvm-${ownProcessId()}\\.\\d+\\.json$`));
  expect(first).not.toBe(second);
});

test.each([
  ['of this process', names.next(), 'own'],
  ['of a process that is gone', `kvm-${DEAD}.0.json`, 'left'],
  ['of an earlier process with our number', `kvm-${REUSED}.0.json`, 'left'],
  ['of a process that runs', `kvm-${PARENT}.0.json`, "another's"],
  ['with another end', `kvm-${DEAD}.0.json.new`, 'none'],
  ['with another beginning', `my-kvm-${DEAD}.0.json`, 'none'],
  ['with another sign for the dot', `kvm-${DEAD}.0-json`, 'none'],
  ['without an owner', 'kvm-mine.json', 'none'],
])('a name %s', (_, name, whose) => {
  expect(names.isLeft(name)).toBe(whose === 'left');
  expect(names.isOthers(name)).toBe(whose === "another's");
});
