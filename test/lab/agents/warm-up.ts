// Does what an agent does before its machine is saved, and says what the machine was like before and is like after that.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { agentMain } from '../../../src/agent/agent.js';
import { listPci, pciDir } from '../../../src/dma/pci.js';

const [warmUp = '', spec = ''] = process.argv.slice(2);

const list = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);

/** A link's text; undefined for what is gone or was never there. */
function target(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

const state = (): object => ({
  files: list('/proc/self/fd').map((fd) => target(`/proc/self/fd/${fd}`) ?? ''),
  vms: list('/sys/kernel/debug/kvm').filter((name) => /^\d+-\d+$/.test(name)),
  tracing: list('/sys/kernel/tracing/instances'),
  probes: readFileSync('/sys/kernel/tracing/kprobe_events', 'utf8'),
  drivers: listPci().map((bdf) => target(`${pciDir(bdf)}/driver`) ?? ''),
  groups: list('/sys/kernel/iommu_groups'),
  unsafe: readFileSync('/sys/module/vfio/parameters/enable_unsafe_noiommu_mode', 'utf8'),
  temporary: list('/tmp'),
});

const before = state();
process.exitCode = agentMain({
  read: () => readFileSync(spec, 'utf8'),
  warmUp: {
    read: () => readFileSync(warmUp, 'utf8'),
    done: () => console.log(JSON.stringify({ before, after: state() })),
  },
  next: () => {
    throw new Error('no more was said to come');
  },
});
