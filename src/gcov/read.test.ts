import { expect, test } from 'vitest';
import { Counters } from './read.js';

const line = (line_number: number, function_name: string, count: number, branches: number[]) => ({
  ...{ line_number, function_name, count, unexecuted_block: false },
  branches: branches.map((taken) => ({ count: taken, fallthrough: false, throw: false })),
});
const called = (name: string, start_line: number, execution_count: number) => ({
  ...{ name, demangled_name: name, start_line, end_line: start_line + 9, execution_count },
});
const documentOf = (file: string, functions: unknown[], lines: unknown[]) => ({
  current_working_directory: '/build',
  files: [
    { file, functions, lines },
    { file: 'include/linux/kref.h', functions: [], lines: [line(1, 'kref_get', 3, [])] },
  ],
});

test('what machines counted is added up, by line and function, in KVM’s files alone', () => {
  const counters = new Counters();
  const file = '../tree/arch/x86/kvm/../../../virt/kvm/vfio.c';
  counters.add(
    documentOf(file, [called('add', 10, 1)], [line(12, 'add', 1, [1, 0]), line(11, 'add', 1, [])]),
  );
  counters.add(documentOf('/t/virt/kvm/vfio.c', [called('add', 10, 2)], [line(12, 'add', 2, [0, 2])]));

  expect(counters.files()).toEqual([
    {
      path: 'virt/kvm/vfio.c',
      functions: [{ name: 'add', start: 10, end: 19, count: 3 }],
      lines: [
        { line: 11, function: 'add', count: 1, branches: [] },
        { line: 12, function: 'add', count: 3, branches: [1, 2] },
      ],
    },
  ]);
});

test('functions of one template are told apart, and so are copies with other branches', () => {
  const counters = new Counters();
  const file = '/t/arch/x86/kvm/mmu/paging_tmpl.h';
  counters.add(
    documentOf(file, [], [line(5, 'ept_page_fault', 1, [1, 0]), line(5, 'paging64_page_fault', 0, [0, 0])]),
  );
  counters.add(documentOf(file, [], [line(5, 'ept_page_fault', 1, [1])]));

  expect(counters.files()[0]?.lines).toEqual([
    { line: 5, function: 'ept_page_fault', count: 2, branches: [1, 0, 1] },
    { line: 5, function: 'paging64_page_fault', count: 0, branches: [0, 0] },
  ]);
});

test('what gcov did not write is refused', () => {
  expect(() => new Counters().add({ files: [{ file: 'a.c' }] })).toThrow('current_working_directory');
});
