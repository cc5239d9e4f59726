// Runs before the agent. On an emulator optimising costs more than it wins. As an option of Node's this would
// make V8 discard the code that Node has compiled in advance; said here, it does not.
require('node:v8').setFlagsFromString('--no-opt');
