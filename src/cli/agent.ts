import { agentMain } from '../runner/agent.js';

process.exitCode = agentMain(process.argv[2] ?? '');
