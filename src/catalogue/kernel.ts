import * as caps from '../arch/kvm-caps.js';
import { MSR, MSR_BY_NAME } from '../arch/msrs.js';
import { ask, rdmsr, scenario } from '../scenario/builder.js';

/** Every MTRR and the PAT. */
const MSRS = [...MSR_BY_NAME.values()];
const CAPS = Object.values(caps).filter((cap) => cap !== caps.KVM_CAP_DISABLE_QUIRKS2);
/** Answers are known of the modules kvm_intel and kvm_amd. */
const needs = ['known-vendor'] as const;

/** What a kernel says of itself: other scenarios are skipped by its word, so it is held against what it must say. */
export const kernel = [
  scenario('kernel/capabilities', 'KVM has the capabilities that its version has', { needs }, [
    ...CAPS.flatMap((cap) => [ask('extension', cap), ask('vm-extension', cap)]),
    ask('extension-arguments', caps.KVM_CAP_X86_USER_SPACE_MSR),
    ask('extension-arguments', caps.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2),
  ]),
  scenario(
    'kernel/quirks',
    'KVM knows the quirks that its version has on this CPU, and disables just those',
    { needs },
    [
      ask('extension', caps.KVM_CAP_DISABLE_QUIRKS2),
      ask('vm-extension', caps.KVM_CAP_DISABLE_QUIRKS2),
      ask('extension-arguments', caps.KVM_CAP_DISABLE_QUIRKS2),
    ],
  ),
  scenario(
    'kernel/cpuid',
    'KVM offers guests the MTRRs, the PAT, self-snoop, VMX and the address bits that the processor has',
    { needs },
    [ask('supported-cpuid', 1), ask('supported-cpuid', 0x8000_0008)],
  ),
  scenario(
    'kernel/devices',
    'KVM has VFIO’s device with its attributes, and no other, and takes no misuse of it',
    { needs },
    [
      ask('device-types'),
      ask('vfio-attributes', 0),
      ask('vfio-attributes', 1),
      ask('vfio-attributes', 2),
      ask('vfio-misuse'),
    ],
  ),
  scenario(
    'kernel/memslot-flags',
    'A memslot takes the flags that its version has, and no other',
    { needs },
    [ask('memslot-flags')],
  ),
  scenario('kernel/msr-lists', 'KVM’s lists of MSRs name the PAT once, and no MTRR', { needs }, [
    ...MSRS.map((msr) => ask('saved-msr', msr)),
    ...MSRS.map((msr) => ask('feature-msr', msr)),
  ]),
  scenario(
    'kernel/cpuid-after-msrs',
    'A VMM may write MTRRs and the PAT before it sets CPUID: they stay',
    { needs },
    [
      ask('kept-msr', MSR.PAT),
      ask('kept-msr', MSR.DEF_TYPE),
      ask('kept-msr', MSR.PHYSBASE0),
      ask('kept-msr', MSR.FIX64K_00000),
      ask('kept-msr', MSR.FIX4K_F8000),
    ],
  ),
  scenario('kernel/reset', 'A new vCPU has the PAT of a reset, and MTRRs that are off', { needs, vcpus: 2 }, [
    ...[0, 1].flatMap((vcpu) => MSRS.map((msr) => rdmsr(msr, { vcpu, by: 'host' }))),
    ...MSRS.map((msr) => rdmsr(msr)),
  ]),
];
