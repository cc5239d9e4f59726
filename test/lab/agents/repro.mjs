// Runs reproducers, programs of C, one after the other in the lab. Prints how each ended and what it said, one JSON object a line.
import { spawn } from 'node:child_process';
import { openSync, readdirSync, readFileSync } from 'node:fs';

const PCI = '/sys/bus/pci/devices';
const OUT = '/tmp/out';
const card = readdirSync(PCI).find(
  (address) => readFileSync(`${PCI}/${address}/device`, 'utf8').trim() === '0x100e',
);

/** The lab's kernel has no sockets, which pipes to a child would be: a file takes what it says. */
function run(program) {
  const out = openSync(OUT, 'w');
  const child = spawn(program, [card], { stdio: ['ignore', out, out] });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ status: -1, said: String(error) }));
    child.once('exit', (status) => resolve({ status, said: readFileSync(OUT, 'utf8') }));
  });
}

for (const name of readdirSync('/repro').sort())
  process.stdout.write(`${JSON.stringify({ name, ...(await run(`/repro/${name}`)) })}\n`);
