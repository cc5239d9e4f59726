import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A program and all that it imports in one script, as a browser would load it. */
function bundle(entry) {
  const { metafile, outputFiles } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    metafile: true,
    write: false,
    outdir: 'none',
  });
  return { code: outputFiles[0].text, inputs: Object.keys(metafile.inputs) };
}

/** Run a script where there is nothing but the language and console.log(). */
function printedBy(code) {
  const lines = [];
  runInContext(code, createContext({ console: { log: (line) => lines.push(line) } }));
  return lines;
}

test('kvm-memtype/model is made of the model alone', () => {
  const folders = bundle('src/model.ts').inputs.map((path) => path.split('/').slice(0, 2).join('/'));

  expect([...new Set(folders)].sort()).toEqual(['src/arch', 'src/memtype', 'src/model.ts']);
});

// UC over WB: by D1 UC loses on 6.1, and 7.2 does not ask (docs/errata.md).
test('examples/model.ts runs without Node.js', () => {
  expect(readFileSync(`${ROOT}/examples/model.ts`, 'utf8').split('\n').length).toBeLessThanOrEqual(31);

  expect(printedBy(bundle('examples/model.ts').code)).toEqual([
    'policy A: 3 GiB is WB: variable range 0 says WB, met after UC: WB',
    'policy E: 3 GiB is WB: RAM, and non-coherent DMA: the guest PAT decides: WB, IPAT 0',
    expect.stringMatching(/^error kernel-departs: erratum D1 decides the type of 0xc0000000-0xffffffff: /),
    'better: default WB, UC at 0xc0000000',
  ]);
});
