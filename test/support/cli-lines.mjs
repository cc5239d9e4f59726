// Run the command lines of a JSON array on stdin, one after another, as the program would, and print what each gave as JSON.
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { runCli } from '../../dist/program/main.js';

const print = process.stdout.write.bind(process.stdout);
const results = [];

setMaxListeners(0, process, process.stdout, process.stderr); // Each run listens for signals.
for (const args of JSON.parse(readFileSync(0, 'utf8'))) {
  const result = { status: 0, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    process[name].write = (text) => {
      result[name] += text;
      return true;
    };
  await runCli(args);
  result.status = process.exitCode ?? 0;
  process.exitCode = undefined;
  results.push(result);
}
print(JSON.stringify(results));
