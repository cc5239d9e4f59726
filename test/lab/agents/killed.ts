// Takes the lab's network card and a mediated device in a process that is then killed; says what the host is like at each
// stage, one JSON object a line.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { JOURNAL_DIR, sweepHostChanges } from '../../../src/dma/host/journal.js';
import { NoncoherentDma } from '../../../src/dma/index.js';
import { listPci, pciId } from '../../../src/dma/pci.js';
import { Kvm } from '../../../src/kvm/index.js';

const CARD = listPci().find((bdf) => pciId(bdf) === '8086:100e');
const DIR = `/sys/bus/pci/devices/${CARD}`;

const list = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);

function tell(stage: string, more: object = {}): void {
  const driver = existsSync(`${DIR}/driver`) ? basename(readlinkSync(`${DIR}/driver`)) : null;
  const state = {
    driver,
    override: readFileSync(`${DIR}/driver_override`, 'utf8').trim(),
    unsafe: readFileSync('/sys/module/vfio/parameters/enable_unsafe_noiommu_mode', 'utf8').trim(),
    mdevs: list('/sys/bus/mdev/devices').length,
    journals: list(JOURNAL_DIR).length,
  };
  console.log(JSON.stringify({ stage, ...state, ...more }));
}

/** Have a VM with a PCI function and two mediated devices; `act` while it has them. */
function take(act: () => void): void {
  using kvm = Kvm.open();
  using vm = kvm.createVm();
  const dma = new NoncoherentDma({ kvm, device: 'lab' });
  const target = { vm, remakeRam: () => {} };
  const attached = (['vfio-noiommu', 'vfio-mdev', 'vfio-mdev'] as const).map((via) =>
    dma.attach(target, via),
  );
  act();
  for (const attachment of attached) attachment.detach();
  dma.close();
}

if (process.argv[2] === 'child') {
  take(() => process.kill(process.pid, 'SIGKILL'));
} else {
  tell('before');
  const { signal } = spawnSync(process.execPath, [process.argv[1] as string, 'child'], { stdio: 'inherit' });
  tell('killed', { signal });
  tell('swept', { problems: sweepHostChanges() });
  take(() => tell('taken'));
  tell('given back');
}
