import { agentMain } from '../agent/agent.js';
import { readJob, standStill } from './agent-job.js';

// `agent.cjs <spec>`, and in a machine of the lab that is to be saved `agent.cjs <spec> <what to do before>`.
const [spec = '', warmUp] = process.argv.slice(2);

process.exitCode = agentMain(
  () => readJob(spec),
  warmUp === undefined ? undefined : { read: () => readJob(warmUp), done: standStill },
);
