// The agent's entry: runs the program beside it, from code that V8 compiled when it was built (scripts/agent.mjs).
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

process.env.KVM_MEMTYPE_ADDON ??= join(__dirname, '../../build/Release/kvm_memtype.node');
const filename = join(__dirname, 'agent.program.js');
const cachedData = readFileSync(join(__dirname, 'agent.program.cache'));
const program = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
program.runInThisContext()(require, pathToFileURL(__filename).href);
