import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import * as uapi from './uapi.js';

// Hold our own declarations of the kernel's uapi against the headers of this machine: every request, struct, field and
// constant of native/uapi.h and native/requests.h, and every constant of uapi.ts. What the headers are too old for is
// left out; KVM_MEMTYPE_HEADERS names the unpacked linux-libc-dev of another release.

const NATIVE = fileURLToPath(new URL('../../native/', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'kvm-memtype-uapi-'));
afterAll(() => rmSync(dir, { recursive: true }));

const OTHER = process.env.KVM_MEMTYPE_HEADERS;
const INCLUDES = OTHER
  ? ['-isystem', join(OTHER, 'usr/include'), '-isystem', join(OTHER, 'usr/include/x86_64-linux-gnu')]
  : [];

/** What is to be equal: a C expression of the kernel's headers, and ours. */
interface Fact {
  /** The macro, or the struct, that says whether these headers know it. */
  known: { macro: string } | { struct: string };
  kernel: string;
  /** In C++, after native/requests.h. */
  ours: string;
}

const HEADERS = `#include <stddef.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>
#endif
`;

/** Every declaration of native/uapi.h and native/requests.h, found by the form that all of them have. */
function nativeFacts(): Fact[] {
  const header = readFileSync(join(NATIVE, 'uapi.h'), 'utf8');
  const requests = readFileSync(join(NATIVE, 'requests.h'), 'utf8');
  const facts: Fact[] = [];
  for (const [, name, macro] of requests.matchAll(/Request (k\w+)\{\s*"(\w+)"/g)) {
    facts.push({ known: { macro: macro as string }, kernel: macro as string, ours: `${name}.number` });
  }
  for (const [, name, expression] of header.matchAll(/constexpr \w+ (k\w+) = \d+; +\/\/ (\S.*)$/gm)) {
    const struct = /^sizeof\((?:struct )?(\w+)\)$/.exec(expression as string)?.[1];
    const known = struct ? { struct } : { macro: expression as string };
    facts.push({ known, kernel: expression as string, ours: name as string });
  }
  for (const [, struct, body] of header.matchAll(/^struct (\w+) \{\n(.*?)\n\};/gms)) {
    facts.push(...fieldFacts(struct as string, body as string));
  }
  return facts;
}

function fieldFacts(struct: string, body: string): Fact[] {
  const known = { struct };
  const fields = [...body.matchAll(/^ {2}[\w ]+?[ *](\w+)(?:\[\w+\])?;$/gm)].map(
    (match) => match[1] as string,
  );
  if (fields.length !== body.split('\n').length)
    throw new Error(`fields of ${struct} that this test cannot read`);
  const facts = fields.flatMap((field) => [
    { known, kernel: `offsetof(struct ${struct}, ${field})`, ours: `offsetof(${struct}, ${field})` },
    {
      known,
      kernel: `sizeof(((struct ${struct} *)0)->${field})`,
      ours: `sizeof(static_cast<${struct} *>(nullptr)->${field})`,
    },
  ]);
  // kvm_run is only its start; what is not KVM's begins with its own size and may have grown.
  const whole = struct.startsWith('kvm_') && struct !== 'kvm_run';
  if (whole) facts.push({ known, kernel: `sizeof(struct ${struct})`, ours: `sizeof(${struct})` });
  return facts;
}

/** Compile a program with `compiler` and return what it prints. */
function run(compiler: string, name: string, source: string, flags: string[]): string {
  const file = join(dir, name);
  writeFileSync(file, source);
  execFileSync(compiler, [...flags, '-o', `${file}.out`, file], { stdio: ['ignore', 'ignore', 'pipe'] });
  return execFileSync(`${file}.out`, { encoding: 'utf8' });
}

/** The values of C++ expressions over native/requests.h. */
function ourValues(expressions: string[]): string[] {
  const lines = expressions.map((e) => `  std::printf("%llu\\n", static_cast<unsigned long long>(${e}));`);
  const source = `#include <cstdio>
#include "requests.h"
using namespace kvm;
int main() {
${lines.join('\n')}
}
`;
  return run('c++', 'ours.cc', source, ['-std=c++17', '-Wall', '-Wextra', '-Werror', '-I', NATIVE])
    .trimEnd()
    .split('\n');
}

/** The values of C expressions over the kernel's headers; undefined where these do not know them. */
function kernelValues(facts: Pick<Fact, 'known' | 'kernel'>[]): (string | undefined)[] {
  const text = execFileSync('cc', [...INCLUDES, '-E', '-P', '-x', 'c', '-'], {
    input: HEADERS,
    encoding: 'utf8',
  });
  const defined = new Set(
    [...text.matchAll(/struct (\w+) \{|typedef [\w ]+ (\w+);/g)].map((m) => m[1] ?? m[2]),
  );
  const lines = facts.map(({ known, kernel }) => {
    const print = `  printf("%llu\\n", (unsigned long long)(${kernel}));`;
    if ('struct' in known) return defined.has(known.struct) ? print : '  puts("");';
    return `#ifdef ${known.macro}\n${print}\n#else\n  puts("");\n#endif`;
  });
  const source = `${HEADERS}#include <stdio.h>\nint main(void) {\n${lines.join('\n')}\n}\n`;
  return run('cc', 'kernel.c', source, INCLUDES)
    .split('\n')
    .slice(0, -1)
    .map((value) => value || undefined);
}

describe('the uapi as we declare it', () => {
  it('in native code is that of the kernel headers', () => {
    const facts = nativeFacts();
    const ours = ourValues(facts.map((fact) => fact.ours));
    const kernel = kernelValues(facts);

    const known = facts.flatMap((fact, i) =>
      kernel[i] === undefined ? [] : [{ what: fact.kernel, ours: ours[i], kernel: kernel[i] }],
    );

    expect(known.filter((fact) => fact.ours !== fact.kernel)).toEqual([]);
    // Or the forms above have changed, and nothing was compared: Linux 5.10 knows more than this.
    expect(known.length).toBeGreaterThan(150);
  });

  it('in TypeScript is that of the kernel headers', () => {
    const constants = Object.entries(uapi);
    const kernel = kernelValues(constants.map(([name]) => ({ known: { macro: name }, kernel: name })));

    const known = constants.flatMap(([name, value], i) =>
      kernel[i] === undefined ? [] : [{ name, ours: String(value), kernel: kernel[i] }],
    );

    expect(known.filter((constant) => constant.ours !== constant.kernel)).toEqual([]);
    expect(known.length).toBeGreaterThan(150);
  });

  it('is all that native code has of the kernel headers', () => {
    const included = readdirSync(NATIVE).flatMap((file) =>
      [...readFileSync(join(NATIVE, file), 'utf8').matchAll(/^\s*#\s*include <((?:linux|asm)\/.*)>/gm)].map(
        ([, header]) => `${file}: ${header}`,
      ),
    );
    expect(included).toEqual([]);
  });
});
