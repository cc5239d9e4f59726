import { agentMain } from '../agent/agent.js';

process.exitCode = agentMain(process.argv[2] ?? '');
