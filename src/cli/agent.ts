import { setFlagsFromString } from 'node:v8';
import { agentMain } from '../agent/agent.js';
import { readJob, standStill } from './agent-job.js';

// In the lab V8's optimiser costs more than it saves. On the command line a flag would make V8 discard the code that Node.js brings along.
if (process.env.KVM_MEMTYPE_LAB !== undefined) setFlagsFromString('--no-opt');

// `agent.cjs <spec>`, and in a machine of the lab that is to be saved `agent.cjs <spec> <what to do before>`.
const [spec = '', warmUp] = process.argv.slice(2);

process.exitCode = agentMain(
  () => readJob(spec),
  warmUp === undefined ? undefined : { read: () => readJob(warmUp), done: standStill },
);
