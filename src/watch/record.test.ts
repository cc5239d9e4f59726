import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findPolicy } from '../memtype/index.js';
import { readWatchRecording, WatchRecorder } from './record.js';
import { reportOf } from './report.js';

const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-record-'));
afterAll(() => rmSync(folder, { recursive: true }));

const VM = '0xffff888011110000';
const line = (name: string, fields: string): string =>
  `  vcpu-7      [000] .....     1.000000: ${name}: (f+0x0/0x90) ${fields}\n`;
const TRACE =
  line('create', 'kvm=0xffff888022220000 vcpu=0') +
  line('create', `kvm=${VM} vcpu=0`) +
  line('dma_add', `kvm=${VM}`) +
  line('decide', `kvm=${VM} vcpu=0 gfn=0x1 mmio=0`) +
  line('kvm_tdp_mmu_spte_changed', '').replace(/\(.*/, 'as id 0 gfn 1 level 1 old_spte 0 new_spte 837');

/** What is recorded of two looks. */
function recorded(second = '', first = TRACE): string {
  const file = join(folder, 'trace');
  const host = { policy: findPolicy('7.2'), maxphyaddr: 39, selfSnoop: true, quirks: 0xfff };
  const recorder = new WatchRecorder(file, host, {
    ...{ startedAt: '2026-01-02T03:04:05.000Z', release: '7.2.13', cpu: 'a processor', fromStart: true },
  });
  recorder.add(first);
  if (second !== '') recorder.add(second);
  recorder.close([VM]);
  return readFileSync(file, 'latin1');
}

test('what was recorded is watched again, under the same rules or others; VMs of others are left out', () => {
  const recording = readWatchRecording(recorded());
  const [same, other] = [recording.watch(), recording.watch('6.1')];

  expect(same.vms.map((vm) => reportOf(vm).verdict)).toMatchObject([{ right: 1, wrong: 0 }]);
  expect(other.vms.map((vm) => reportOf(vm).verdict.sentences)).toEqual([
    ['gfn 0x1, level 1, by vCPU 0: expected UC, IPAT 0; seen WB, IPAT 0'],
  ]);
});

test('what a range covers depends on how many address bits the guest is taken to have', () => {
  const mtrrs = [
    [0x200, 0x40_0000],
    [0x201, 0xf_ffc0_0800],
    [0x2ff, 0x806],
  ].map(([index = 0, data = 0]) =>
    line('msr', `kvm=${VM} vcpu=0 host=0 index=0x${index.toString(16)} data=0x${data.toString(16)}`),
  );
  const trace = TRACE.replace('gfn=0x1 ', 'gfn=0x800 ').replace('gfn 1 ', 'gfn 800 ');
  const at = trace.indexOf(line('decide', `kvm=${VM}`).slice(0, -1));
  const recording = readWatchRecording(recorded('', trace.slice(0, at) + mtrrs.join('') + trace.slice(at)));

  const verdictOf = (bits: number) =>
    recording.watch('6.1', false, bits).vms.map((vm) => reportOf(vm).verdict);

  expect(verdictOf(36)).toMatchObject([{ right: 1, wrong: 0 }]);
  // Bits 36 to 38 of the mask are clear: KVM up to 6.10 takes all from the range's base to what they span.
  expect(verdictOf(39)).toMatchObject([{ right: 0, wrong: 1 }]);
});

test('events that were lost bear on the look that tells of them, and on what comes after', () => {
  const next = (line: string) =>
    TRACE.split('\n')
      .slice(3)
      .join('\n')
      .replaceAll(/gfn(=0x|\s)1\b/g, line);
  const [vm] = readWatchRecording(recorded(`${next('gfn$12')}\nCPU:0 [LOST 3 EVENTS]\n`)).watch('6.1').vms;

  expect(vm && reportOf(vm)).toMatchObject({
    lostTrack: true,
    verdict: { right: 0, wrong: 1, untold: 1 },
  });
});

test.each([
  [
    'another file',
    (text: string) => text.slice(5),
    'it is no recording of `watch`, or one of another version',
  ],
  ['a field too many', (text: string) => text.replace('{', '{"more":1,'), 'it is no recording of `watch`'],
  ['a file without its end', (text: string) => text.slice(0, text.indexOf('# VMs')), 'it is cut off'],
  ['a line that was changed', (text: string) => text.replace('gfn=0x1 ', 'gfn=? '), 'cannot read this line'],
])('%s is refused', (_what, change, message) => {
  expect(() => readWatchRecording(change(recorded()))).toThrow(message);
});
