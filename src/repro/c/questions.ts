import type { AskStep } from '../../scenario/types.js';
import type { Uses } from './uses.js';
import { hex } from './words.js';

/** How each question is asked: what a reproducer needs for it, and the words. */
const QUESTIONS: Readonly<
  Record<AskStep['of'], { needs: readonly string[]; what: string; ask: (number: number) => string }>
> = {
  extension: {
    needs: [],
    what: 'capability',
    ask: (cap) => `ioctl(kvm, KVM_CHECK_EXTENSION, ${cap})`,
  },
  'vm-extension': {
    needs: [],
    what: 'capability of the VM',
    ask: (cap) => `ioctl(vm, KVM_CHECK_EXTENSION, ${cap})`,
  },
  'extension-arguments': {
    needs: ['ask_arguments'],
    what: 'arguments of capability',
    ask: (cap) => `argument_bits(${cap})`,
  },
  'saved-msr': {
    needs: ['ask_list'],
    what: 'KVM_GET_MSR_INDEX_LIST, MSR',
    ask: (msr) => `listed(KVM_GET_MSR_INDEX_LIST, ${hex(msr)})`,
  },
  'feature-msr': {
    needs: ['ask_list'],
    what: 'KVM_GET_MSR_FEATURE_INDEX_LIST, MSR',
    ask: (msr) => `listed(KVM_GET_MSR_FEATURE_INDEX_LIST, ${hex(msr)})`,
  },
  'supported-cpuid': {
    needs: ['ask_cpuid'],
    what: 'KVM_GET_SUPPORTED_CPUID, leaf',
    ask: (leaf) => `cpuid_bits(${hex(leaf)})`,
  },
  'kept-msr': {
    needs: ['ask_kept'],
    what: 'KVM_SET_CPUID2 keeps MSR',
    ask: (msr) => `kept_msr(${hex(msr)})`,
  },
  'vfio-misuse': { needs: ['ask_misuse'], what: 'misuses of VFIO', ask: () => 'vfio_misuse()' },
  'filter-misuse': { needs: ['ask_filters'], what: 'misuses of filters', ask: () => 'filter_misuse()' },
  'device-types': { needs: ['ask_types'], what: 'device types', ask: () => 'device_types()' },
  'vfio-attributes': {
    needs: ['ask_vfio'],
    what: 'attributes of VFIO in group',
    ask: (group) => `vfio_attributes(${group})`,
  },
  'memslot-flags': { needs: ['ask_flags'], what: 'flags of a memslot', ask: () => 'slot_flags()' },
};

/** The lines that ask KVM about itself. */
export function askCall(
  { of, number }: AskStep,
  answer: { value: bigint; unsure: bigint } | undefined,
  uses: Uses,
): string[] {
  if (answer === undefined) return ['\t/* What must be answered is not known. */'];
  const { needs, what, ask } = QUESTIONS[of];
  for (const need of needs) uses.add(need);
  const args = [`"${what}"`, hex(number), hex(answer.value), hex(answer.unsure), ask(number)];
  return uses.call('ask_extension', args, 'want_answer');
}
