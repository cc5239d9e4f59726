// The agent's entry: runs the program beside it, from code that V8 compiled when it was built (scripts/agent.mjs).
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

// Built here, or as the published package brings it.
const [built, prebuilt] = ['build/Release', 'prebuilds/linux-x64'].map((folder) =>
  join(__dirname, '../..', folder, 'kvm_memtype.node'),
);
process.env.KVM_MEMTYPE_ADDON ??= !existsSync(built) && existsSync(prebuilt) ? prebuilt : built;
const filename = join(__dirname, 'agent.program.js');
const cachedData = readFileSync(join(__dirname, 'agent.program.cache'));
const program = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
program.runInThisContext()(require, pathToFileURL(__filename).href);
