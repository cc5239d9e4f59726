// Bundles the lab's agent: one script, and V8's code for all of its functions, which saves the lab's slow processor 40 million
// instructions of parsing and compiling. Another version of Node.js than the one that builds does not take the code, and compiles.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { build } from 'esbuild';
import { specSchema } from '../dist/recording/spec-schema.js';
import { compiledSpecCheck } from './lib/compiled-check.mjs';

const TARGET = 'dist/lab';

const { outputFiles } = await build({
  entryPoints: ['src/cli/agent.ts'],
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  charset: 'ascii', // The loader reads it as one byte per character, which V8 keeps so.
  define: { 'import.meta.url': 'agentUrl' },
  logLevel: 'warning',
  plugins: [compiledSpecCheck(specSchema)],
  write: false,
});
const source = `(function (require, agentUrl) {${outputFiles[0].text}\n})`;

// Compile functions that are not called yet, too. The code is tied to V8's flags: put them back before it is taken.
setFlagsFromString('--no-lazy');
const script = new Script(source);
setFlagsFromString('--lazy');
const cachedData = script.createCachedData();
if (new Script(source, { cachedData }).cachedDataRejected)
  throw new Error('V8 does not take the code that it has made');

mkdirSync(TARGET, { recursive: true });
writeFileSync(`${TARGET}/agent.program.js`, source);
writeFileSync(`${TARGET}/agent.program.cache`, cachedData);
copyFileSync('scripts/agent-loader.cjs', `${TARGET}/agent.cjs`);
