import { KVM_MEM_NON_COHERENT_DMA } from '../../arch/memslots.js';
import { PAGE_SIZE } from '../../arch/units.js';
import { memslotFlags, quirkMask } from '../../scenario/bits.js';
import { describeStep } from '../../scenario/describe.js';
import { type MemslotStep, NOT_TAKEN, type Step } from '../../scenario/types.js';
import { type LeafChange, leafText } from '../leaf-book.js';
import type { PlannedStep } from '../plan.js';
import { filterLines, msrsLines, oneMsrLines } from './msr-steps.js';
import { askCall } from './questions.js';
import { togetherLines } from './together.js';
import { call, callWith, hex } from './words.js';
import { errnoOf, type Of, type Writing } from './writing.js';

const NO_IOCTL = '\t/* There is nothing to do it with: no ioctl is made. */';

const isNotTaken = ({ taken, effect }: PlannedStep): boolean =>
  effect === undefined && taken.result === NOT_TAKEN;

function accessLines({ step, effect, value }: Of<'access'>, w: Writing): string[] {
  const mmio = effect?.mmio ? '1' : '0';
  const args = [String(step.vcpu), hex(step.gpa), String(step.pat)];
  if (step.access === 'write') return w.uses.call('guest_write', [...args, mmio]);
  if (step.access === 'fetch') {
    w.uses.add('at');
    return w.uses.call('guest_fetch', args);
  }
  const read = w.uses
    .call('guest_read', [...args, mmio])
    .join(' ')
    .trim()
    .replace(/;$/, '')
    .replaceAll(/\s+/g, ' ');
  if (value === undefined) return w.uses.call('guest_read', [...args, mmio]);
  return w.uses.call('want', ['"value read"', hex(value), read]);
}

function nestedLines({ step, effect, value }: Of<'nested-access'>, w: Writing): string[] {
  w.uses.op(step.access === 'read' ? 'l2_read' : 'l2_write');
  const code = step.access === 'read' ? 'l2_read' : 'l2_write';
  const args = [String(step.vcpu), code, hex(w.nested.address(step))];
  const access = `l2(${args.join(', ')})`;
  w.uses.add('l2');
  const act =
    step.access === 'read' && value !== undefined
      ? w.uses.call('want', ['"value read by L2"', hex(value), access])
      : call('l2', args);
  return [
    ...act,
    ...call('read_trace', []),
    ...(effect?.shadowMade ?? []).flatMap((leaf) =>
      w.uses.call('l2_seen', [hex(leaf.gfn), String(leaf.level), `"${leafText(leaf)}"`], 'l2_leaf'),
    ),
  ];
}

const KINDS = {
  ram: 'PLAIN',
  'huge-ram': 'HUGE_PAGES',
  'gib-ram': 'GIB_PAGE',
  'pci-bar': 'PCI_BAR',
} as const;

function flagWords(step: MemslotStep, w: Writing): string {
  const flags = memslotFlags(step);
  if ((flags & KVM_MEM_NON_COHERENT_DMA) === 0) return hex(flags);
  w.uses.add('memslot_flag');
  const rest = flags & ~KVM_MEM_NON_COHERENT_DMA;
  return `noncoherent_flag()${rest === 0 ? '' : ` | ${hex(rest)}`}`;
}

function slotLines(planned: Of<'memslot'>, w: Writing): string[] {
  const { step } = planned;
  w.uses.kind(step.backing);
  return w.uses.call('set_slot', [
    String(step.slot),
    hex(step.gpa),
    hex(step.pages * PAGE_SIZE),
    flagWords(step, w),
    KINDS[step.backing],
    hex((step.offset ?? 0) * PAGE_SIZE),
    String(step.memoryOf ?? -1),
    errnoOf(planned),
  ]);
}

function initLines({ vcpu, sipi, from }: Of<'init'>['step'], cr0: bigint, w: Writing): string[] {
  const args = [String(vcpu), hex(cr0), String(sipi ?? -1)];
  return from === undefined
    ? w.uses.call('init', args)
    : w.uses.call('init_by_apic', [...args, String(from)]);
}

const HOST_CALLS = {
  discard: ['madvise', 'MADV_DONTNEED'],
  unmap: ['munmap'],
  protect: ['mprotect', 'PROT_READ'],
  unprotect: ['mprotect', 'PROT_READ | PROT_WRITE'],
} as const;

function hostMemoryLines({ step }: Of<'host-memory'>, w: Writing): string[] {
  const [name, ...rest] = HOST_CALLS[step.op];
  w.uses.add('memory_part');
  return call(name, [`part(${step.slot}, ${step.first})`, hex(step.pages * PAGE_SIZE), ...rest]);
}

function dirtyLines(planned: Of<'get-dirty-log'>, w: Writing): string[] {
  const pages = planned.effect?.dirty ?? [];
  const list = `PAGES(${pages.length === 0 ? '-1' : pages.join(', ')})`;
  return w.uses.call('dirty_log', [String(planned.step.slot), list, errnoOf(planned)]);
}

const VIRTIO_CALLS = { 'has-attr': 'KVM_HAS_DEVICE_ATTR', 'set-attr': 'KVM_SET_DEVICE_ATTR' } as const;

function virtioLines(planned: Of<'virtio'>, w: Writing): string[] {
  const { op, device, group, attr } = planned.step;
  if (isNotTaken(planned)) return [NO_IOCTL];
  const number = String(w.attachments.virtio(device));
  const errno = errnoOf(planned);
  if (op === 'create-test')
    return w.uses.call('virtio', [number, 'KVM_CREATE_DEVICE_TEST', errno], 'virtio_create');
  if (op === 'create') return w.uses.call('virtio', [number, '0', errno], 'virtio_create');
  w.uses.add('virtio');
  if (op === 'close') return call('close', [`virtio_fds[${number}]`]);
  return w.uses.call('virtio_attr', [number, VIRTIO_CALLS[op], String(group), String(attr), errno]);
}

/** CR0.CD and NW as a step sets them. */
const cdWords = ({ on, nw }: Extract<Step, { do: 'cd' }>): string =>
  [...(on ? ['CD'] : []), ...(nw ? ['NW'] : [])].join(' | ') || '0';

/** What a step does, without its leaves. */
function actLines(planned: PlannedStep, w: Writing): string[] {
  const { step, effect } = planned;
  switch (step.do) {
    case 'wrmsr':
    case 'rdmsr':
      return oneMsrLines(planned as Of<'wrmsr' | 'rdmsr'>, w);
    case 'msrs':
      return msrsLines(planned as Of<'msrs'>, w);
    case 'msr-filter':
      w.routes.setFilter(step);
      return filterLines(planned as Of<'msr-filter'>, w);
    case 'msr-exits':
      w.routes.ask(step.reasons);
      return w.uses.call('msr_exits', [
        step.reasons.map((reason) => `KVM_MSR_EXIT_REASON_${reason}`).join(' | ') || '0',
      ]);
    case 'access':
      return accessLines(planned as Of<'access'>, w);
    case 'nested-access':
      return nestedLines(planned as Of<'nested-access'>, w);
    case 'invept':
      w.uses.add('l2');
      w.uses.op('op_invept');
      return [
        ...call('be_hypervisor', [String(step.vcpu)]),
        ...call('guest', [String(step.vcpu), 'op_invept', 'EPT | 0x1e', '0']),
        ...w.uses.call('want', ['"vector of INVEPT"', '-1', `vcpus[${step.vcpu}].vector`]),
      ];
    case 'cd':
      return step.by === 'host'
        ? w.uses.call('host_cd', [String(step.vcpu), cdWords(step)])
        : w.uses.call('guest_cd', [String(step.vcpu), cdWords(step), effect?.cr0 === 'gp' ? '13' : '-1']);
    case 'init':
      return initLines(step, planned.value ?? 0n, w);
    case 'restore':
      return w.uses.call('restore', [String(step.vcpu), String(step.from), step.mtrrs ? '1' : '0']);
    case 'noncoherent':
      return isNotTaken(planned) ? [NO_IOCTL] : w.attachments.lines(step, errnoOf(planned), w.uses);
    case 'virtio':
      return virtioLines(planned as Of<'virtio'>, w);
    case 'disable-quirk':
      return w.uses.call(step.old ? 'disable_old_quirks' : 'disable_quirks', [
        hex(quirkMask(step.quirk)),
        errnoOf(planned),
      ]);
    case 'memslot':
      return isNotTaken(planned) ? [NO_IOCTL] : slotLines(planned as Of<'memslot'>, w);
    case 'delete-memslot':
      return w.uses.call('delete_slot', [String(step.slot), errnoOf(planned)]);
    case 'get-dirty-log':
      return dirtyLines(planned as Of<'get-dirty-log'>, w);
    case 'clear-dirty-log':
      return w.uses.call('clear_dirty_log', [
        String(step.slot),
        String(step.first),
        String(step.pages),
        errnoOf(planned),
      ]);
    case 'manual-protect':
      return w.uses.call('manual_protect', [step.initiallySet ? '3' : '1']);
    case 'discard':
      return call('madvise', [`ram + ${hex(step.gpa)}`, hex(step.pages * PAGE_SIZE), 'MADV_DONTNEED']);
    case 'host-memory':
      return hostMemoryLines(planned as Of<'host-memory'>, w);
    case 'pre-fault':
      return w.uses.call('pre_fault', [
        String(step.vcpu),
        hex(step.gpa),
        hex(step.pages * PAGE_SIZE),
        hex((effect?.left ?? 0) * PAGE_SIZE),
        errnoOf(planned),
      ]);
    case 'ask':
      return askCall(step, planned.answer, w.uses);
    case 'together':
      return togetherLines(planned as Of<'together'>, w, (part) => actLines(part, w));
  }
}

function leafLines({ gfn, count, level, text }: LeafChange, w: Writing): string[] {
  return text === undefined
    ? w.uses.call('no_leaf', [hex(gfn), String(count)], 'no_leaves')
    : w.uses.call('leaf', [hex(gfn), String(count), String(level), `"${text}"`], 'leaves');
}

/** All lines of a step. */
export function stepLines(planned: PlannedStep, w: Writing): string[] {
  const { effect, leaves } = planned;
  const fixed = effect?.fixed;
  return [
    ...callWith('step', [String(w.at)], describeStep(planned.step)),
    ...actLines(planned, w),
    ...(w.uses.seesLeaves
      ? [
          ...leaves.flatMap((change) => leafLines(change, w)),
          ...(fixed === undefined
            ? []
            : [
                ...call('read_trace', []),
                ...w.uses.call('fixed', [hex(fixed.gfn), String(fixed.level)], 'made_writable'),
              ]),
        ]
      : []),
  ];
}
