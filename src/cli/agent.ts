import { setFlagsFromString } from 'node:v8';
import { agentMain } from '../agent/agent.js';
import { readJob, standStill } from './agent-job.js';
import { NextJobs } from './next-jobs.js';

const inLab = process.env.KVM_MEMTYPE_LAB !== undefined;

// In the lab V8's optimiser costs more than it saves. On the command line a flag would make V8 discard the code that Node.js brings along.
if (inLab) setFlagsFromString('--no-opt');

// `agent.cjs <spec>`, and in a machine of the lab that is to be saved `agent.cjs <spec> <what to do before>`.
const [spec = '', warmUp] = process.argv.slice(2);

const jobs = new NextJobs();
process.exitCode = agentMain({
  read: () => readJob(spec),
  ...(warmUp !== undefined && { warmUp: { read: () => readJob(warmUp), done: standStill } }),
  next: (place) => jobs.next(place),
});

// Else Node.js gives back all its memory piece by piece, which takes its time in the lab, before the kernel does.
if (inLab) process.exit();
