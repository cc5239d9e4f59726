import { expect, test } from 'vitest';
import { findPolicy } from '../memtype/index.js';
import { parseVmTrace } from '../observe/vm-events.js';
import { jsonView, liveView, textView, type View } from './view.js';
import { Watcher } from './watcher.js';

const VM = '0xffff888011110000';
const line = (at: number, name: string, fields = ''): string =>
  `  vcpu-7      [000] .....     1.00000${at}: ${name}: (f+0x0/0x90) ${fields}\n`;
const fault = (at: number, gfn: string, spte: string): string =>
  line(at, 'decide', `kvm=${VM} vcpu=0 gfn=${gfn} mmio=0`) +
  line(at, 'kvm_tdp_mmu_spte_changed').replace(
    /\(.*/,
    `as id 0 gfn ${gfn.slice(2)} level 1 old_spte 0 new_spte ${spte.slice(2)}`,
  );
const TRACE =
  line(0, 'create', `kvm=${VM} vcpu=0`) +
  fault(1, '0x100', '0x877') +
  line(2, 'dma_add', `kvm=${VM}`) +
  line(3, 'msr', `kvm=${VM} vcpu=0 host=0 index=0x2ff data=0x806`) +
  line(4, 'zap', `kvm=${VM} start=0x0 end=0xfffffffffffff`) +
  line(7, 'zapped') +
  fault(8, '0x101', '0x837');

/** What a view writes of the trace, taken at once, then of its end. */
function shown(
  viewOf: (screen: { write(text: string): void; width: number; height: number }) => View,
): string[] {
  const parts = [''];
  const write = (text: string): void => void parts.push((parts.pop() ?? '') + text);
  const host = { policy: findPolicy('6.1'), maxphyaddr: 39, selfSnoop: true, quirks: 0x7f };
  const watcher = new Watcher(host, () => true, true);
  const view = viewOf({ write, width: 100, height: 5 });
  watcher.take(parseVmTrace(TRACE));
  watcher.lost = 4;
  view.update(watcher);
  parts.push('');
  view.end(watcher);
  return parts;
}

const REPORT = `policy A; non-coherent DMA: 1 device
vCPU 0: MTRR_DEF_TYPE 0x806, 0 variable ranges, PAT 0x7040600070406, CR0.CD 0

map: 2 leaves; the guest’s PAT is ignored on 1 page
start     end       size  level  EPT
0x100000  0x100fff    4K  4K     WB, IPAT 1
0x101000  0x101fff    4K  4K     WB, IPAT 0

zaps: 1 call, 3 µs
calls  leaves  µs  cause
    1       0   3  MSR 0x2ff (IA32_MTRR_DEF_TYPE), by vCPU 0

stale:
  1 leaf from 0x100000 to 0x100fff still carries WB, IPAT 1 from before: non-coherent DMA comes: 1
  device; a fault now would make WB, IPAT 0 (s1: `;

test('lines as things happen, and a report at the end', () => {
  const [lines, end] = shown(textView);

  expect(lines).toBe(`    0.000 s  non-coherent DMA comes: 1 device
    0.000 s  vCPU 0: MSR 0x2ff (IA32_MTRR_DEF_TYPE) 0x0 to 0x806
    0.000 s  zap of 0 leaves in 3 µs: MSR 0x2ff (IA32_MTRR_DEF_TYPE), by vCPU 0
`);
  expect(end).toContain(REPORT);
  expect(end).toContain('model: 2 leaves made as expected, 0 otherwise\n');
  expect(end).toContain(
    '4 events were lost, as the kernel’s buffer was full: a larger --buffer or a shorter --interval helps\n',
  );
});

test('a screen is drawn anew, as far as it goes, and whole at the end', () => {
  const [screen = '', end] = shown(liveView);

  expect(screen.startsWith('\x1b[H\x1b[Jpolicy A;')).toBe(true);
  expect(screen.split('\n')).toHaveLength(4);
  expect(end).toContain(REPORT);
  expect(end).toContain('vCPU 0: MSR 0x2ff (IA32_MTRR_DEF_TYPE) 0x0 to 0x806\n');
});

test('one object a line', () => {
  const lines = shown(jsonView).flatMap((part) => part.trim().split('\n'));
  const told = lines.map((text) => JSON.parse(text) as { kind: string });

  expect(told.map(({ kind }) => kind)).toEqual(['dma', 'msr', 'zap', 'report', 'end']);
  expect(told.at(-1)).toEqual({ kind: 'end', vms: 1, lost: 4 });
});
