import { GIB } from '../arch/units.js';
import type { LabInventory } from '../lab/index.js';
import type { Missing } from '../text/missing.js';
import { type Finding, finding } from './finding.js';

/** What was found of the lab. */
export interface LabFindings {
  findings: Finding[];
  /** Whether `run --kernel` has an engine, and a kernel or what builds one. */
  usable: boolean;
}

/** A tree of sources, unpacked, its work copy and what make leaves there. */
const BUILD_ROOM = 6 * GIB;
/** Node.js, the agent and a kernel, for each machine. */
const RUN_ROOM = GIB;

const sizeText = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

function room(
  id: string,
  title: string,
  found: LabInventory['cache'],
  needed: number,
  variable: string,
): Finding {
  if (!('path' in found)) return finding(id, title, found);
  const says = `${sizeText(found.freeBytes)} in ${found.path}`;
  if (found.freeBytes >= needed) return finding(id, title, undefined, says);
  return finding(id, title, {
    reason: `${says}: ${sizeText(needed)} are needed`,
    lift: `make room there, or set ${variable}`,
  });
}

const NO_KERNEL: Missing = {
  reason: 'no kernel was built yet',
  lift: 'kvm-memtype kernel build --source debian:6.1, or run --kernel debian:6.1, which builds it',
};

/** How it is with machines that are saved, so that a kernel is not booted again. */
function snapshotsFinding(found: LabInventory['snapshots']): Finding {
  const [id, title] = ['snapshots', 'machines are saved, and begun from'];
  if (!('count' in found)) return finding(id, title, found);
  const { count, bytes, limit } = found;
  return finding(id, title, undefined, `${count} of ${sizeText(bytes)}, at most ${sizeText(limit)}`);
}

/** What the lab can be used for. */
export function examineLab(found: LabInventory): LabFindings {
  const { engines, build, kernels, cache, temporary } = found;
  const list = Object.entries(kernels).map(([release, n]) => (n === 1 ? release : `${release} (${n})`));
  const rows = {
    bochs: finding('bochs', 'Bochs: Intel with EPT, emulated', engines.bochs),
    qemu: finding('qemu-tcg', 'QEMU: AMD with NPT, emulated', engines['qemu-tcg']),
    build: finding('build', 'kernels can be built', build),
    kernels: finding(
      'kernels',
      'kernels that are built',
      list.length > 0 ? undefined : NO_KERNEL,
      list.sort().join(', '),
    ),
    snapshots: snapshotsFinding(found.snapshots),
    cache: room('cache', 'room to build kernels', cache, BUILD_ROOM, 'XDG_CACHE_HOME'),
    temporary: room('temporary', 'room to run machines', temporary, RUN_ROOM, 'TMPDIR'),
  };
  const hasEngine = rows.bochs.ok || rows.qemu.ok;
  const hasKernel = rows.kernels.ok || (rows.build.ok && rows.cache.ok);
  return { findings: Object.values(rows), usable: hasEngine && hasKernel && rows.temporary.ok };
}
