// Runs the command line once for each of a list of arguments, `[[…], […]]` as JSON: says that a run begins, and what it gave.
// What a run prints goes to a file first: an interrupt of the serial port is lost now and then while a guest runs in Bochs, and the
// port waits for it for ever.
import { spawnSync } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';

const OUTPUT = '/tmp/output';

for (const [begins, args] of JSON.parse(process.argv[2]).entries()) {
  console.log(JSON.stringify({ begins }));
  const output = openSync(OUTPUT, 'w');
  const { status } = spawnSync(process.execPath, ['/app/bin/kvm-memtype.js', ...args], {
    stdio: ['ignore', output, output],
  });
  console.log(JSON.stringify({ status, text: readFileSync(OUTPUT, 'latin1') }));
}
