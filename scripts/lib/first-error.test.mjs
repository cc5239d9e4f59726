import { expect, it } from 'vitest';
import { firstError } from './first-error.mjs';

const NINJA = `[1/19] Building CXX object CMakeFiles/kvm_memtype.dir/native/args.cc.o
FAILED: CMakeFiles/kvm_memtype.dir/native/args.cc.o
/usr/bin/c++ -Wall -Werror -o CMakeFiles/kvm_memtype.dir/native/args.cc.o -c native/args.cc
native/args.cc: In function ‘int broken()’:
\x1b[1mnative/args.cc:1:27: error: \x1b[0m‘undeclared_name’ was not declared in this scope
    1 | int broken(void) { return undeclared_name; }
      |                           ^~~~~~~~~~~~~~~
[2/19] Building CXX object CMakeFiles/kvm_memtype.dir/native/error.cc.o
native/vm.cc:1:10: fatal error: no-such-header.h: No such file or directory
ninja: build stopped: subcommand failed.
ERROR OMG Process terminated: 1
`;

it('is the first that a compiler tells, with its source line, not what the callers make of it', () => {
  expect(firstError(NINJA)).toEqual([
    'native/args.cc:1:27: error: ‘undeclared_name’ was not declared in this scope',
    '    1 | int broken(void) { return undeclared_name; }',
    '      |                           ^~~~~~~~~~~~~~~',
  ]);
});

it.each([
  [
    'a missing make, from node-gyp',
    'gyp info spawn make\ngyp ERR! build error\ngyp ERR! stack Error: not found: make\ngyp ERR! stack at x\ngyp ERR! not ok\n',
    'not found: make',
  ],
  [
    'a missing header',
    'FAILED: vm.o\nvm.cc:1:10: fatal error: linux/kvm.h: No such file or directory\n    1 | #include\nERROR OMG x\n',
    'vm.cc:1:10: fatal error: linux/kvm.h: No such file or directory',
  ],
  [
    'the linker',
    "FAILED: a.node\n/usr/bin/ld: a.o: in function `f':\na.cc:(.text+0x5): undefined reference to `g'\ncollect2: error: ld returned 1 exit status\n",
    "a.cc:(.text+0x5): undefined reference to `g'",
  ],
  [
    'CMake',
    'CMake Error at CMakeLists.txt:4 (include):\n  include could not find requested file:\n\n    native/gypi.cmake\nERROR OMG x\n',
    'CMake Error at CMakeLists.txt:4 (include):',
  ],
  [
    'TypeScript',
    "src/a.ts(1,7): error TS2322: Type 'string' is not assignable to type 'number'.\n",
    "src/a.ts(1,7): error TS2322: Type 'string' is not assignable to type 'number'.",
  ],
  [
    'apt',
    'Reading package lists...\nE: Unable to locate package nonsense\n',
    'E: Unable to locate package nonsense',
  ],
  ['npm', 'npm error code E404\nnpm error 404 Not Found - x\n', 'npm error 404 Not Found - x'],
  ['cmake-js alone', 'INFO CMD BUILD\nERROR OMG Process terminated: 1\n', 'ERROR OMG Process terminated: 1'],
])('finds what %s tells', (_, log, expected) => {
  expect(firstError(log)[0]).toBe(expected);
});

it('is nothing where nothing tells of an error', () => {
  expect(firstError('[1/2] Building\n[2/2] Linking\n')).toEqual([]);
});
