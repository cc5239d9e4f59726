import { eptPointer } from '../../probe/ept.js';
import { vmcsFields } from '../../probe/vmcs.js';
import { everyStep } from '../../scenario/lanes.js';
import { type MemslotStep, WINDOW_END } from '../../scenario/types.js';
import type { Plan } from '../plan.js';
import { WAY_WORDS } from './attachments.js';
import { SPLIT, SPLIT_WORDS } from './snippets/trace.js';
import type { Snippets } from './snippets/types.js';
import type { Uses } from './uses.js';
import { hex } from './words.js';

/** Parts that are written for the scenario. */
export interface Made {
  readonly snippets: Snippets;
  /** Words of parts, and what stands in their place. */
  readonly words: Readonly<Record<string, string>>;
  readonly cleanUp: string;
}

const KIND_CALLS: Readonly<
  Record<MemslotStep['backing'], readonly [word: string, make: string, part: string]>
> = {
  ram: ['PLAIN', 'plain_memory', 'ram'],
  'huge-ram': ['HUGE_PAGES', 'huge_memory', 'huge_memory'],
  'gib-ram': ['GIB_PAGE', 'gib_memory', 'gib_memory'],
  'pci-bar': ['PCI_BAR', 'pci_bar', 'pci_bar'],
};

function memoryKinds({ kinds }: Uses): Snippets[string] {
  const rows = [...kinds].map((kind) => KIND_CALLS[kind]);
  const [first, ...rest] = rows;
  const lines = rest.map(([word, make]) => `\tif (kind == ${word})\n\t\treturn ${make}(size);`);
  const unused = rest.length === 0 ? '\t(void)kind;\n' : '';
  return {
    needs: rows.map(([, , part]) => part),
    text: `
enum { PLAIN, HUGE_PAGES, GIB_PAGE, PCI_BAR };

static u8 *new_memory(int kind, u64 size)
{
${[...lines, `${unused}\treturn ${first?.[1]}(size);`].join('\n')}
}`,
  };
}

/** How each way opens a file of VFIO: what it needs, and the lines. */
const OPENINGS: Readonly<Record<string, readonly [needs: readonly string[], line: string]>> = {
  any: [
    ['pci_take', 'vfio_group'],
    'pci_take();\n\t\topen_group(device, vfio_name, has_iommu ?\n\t\t\t   VFIO_TYPE1v2_IOMMU : 8 /* VFIO_NOIOMMU_IOMMU */);',
  ],
  'vfio-noiommu': [
    ['pci_take', 'vfio_group'],
    'pci_take();\n\t\tif (has_iommu)\n\t\t\tskip("an IOMMU translates %s", pci_device);\n\t\topen_group(device, vfio_name, 8 /* VFIO_NOIOMMU_IOMMU */);',
  ],
  'vfio-type1': [
    ['pci_take', 'vfio_group'],
    'pci_take();\n\t\tif (!has_iommu)\n\t\t\tskip("no IOMMU translates %s", pci_device);\n\t\topen_group(device, vfio_name, VFIO_TYPE1v2_IOMMU);',
  ],
  'vfio-cdev': [['pci_take', 'vfio_cdev'], 'pci_take();\n\t\topen_cdev(device, pci_path(""));'],
  'vfio-mdev': [
    ['mdev', 'mdev_group', 'vfio_group'],
    'open_group(device, mdev_group(make_mdev(device)), 0);',
  ],
  'mdev-cdev': [['mdev', 'vfio_cdev'], 'open_cdev(device, make_mdev(device));'],
};

function openDevice({ ways }: Uses): Snippets[string] {
  const needs = new Set(['vfio_files']);
  const words: string[] = [];
  const lines = Object.entries(OPENINGS).flatMap(([way, [parts, line]]) => {
    if (!ways.has(way)) return [];
    for (const part of parts) needs.add(part);
    words.push(WAY_WORDS[way as 'any']);
    return [`\tif (way == ${WAY_WORDS[way as 'any']}) {\n\t\t${line}\n\t}`];
  });
  const hasMdev = needs.has('mdev');
  return {
    needs: [...needs],
    text: `
enum { ${words.join(', ')} };

static void open_device(struct device *device, int way)
{
	*device = (struct device){ .container = -1, .way = way };
${lines.join('\n')}
}

static void close_device(struct device *device)
{
	close(device->file);
	if (device->container >= 0)
		close(device->container);
${hasMdev ? '\tremove_mdev(device);\n' : ''}	device->file = 0;
}`,
  };
}

const FILTERED: readonly (readonly [base: number, count: number])[] = [
  [0xfe, 1],
  [0x200, 16],
  [0x250, 1],
  [0x258, 2],
  [0x268, 8],
  [0x277, 1],
  [0x2ff, 1],
];

/** The VMM's own emulation of memory-type MSRs: what a guest writes goes on to KVM, or stays here. */
const EMULATION = (forwards: boolean): string => `
static int is_type(u64 type, int is_pat)
{
	return type == 0 || type == 1 || (type >= 4 && type <= (is_pat ? 7 : 6));
}

/* What KVM would take (SDM, "MTRRs", "PAT"). */
static int is_valid(u32 msr, u64 value)
{
	int i;

	if (msr == 0xfe)
		return 0;
	if (msr == 0x2ff)
		return is_type(value & 0xff, 0) && !(value & ~0xcffULL);
	if (msr == 0x277 || msr >= 0x250) {
		for (i = 0; i < 64; i += 8)
			if (!is_type(value >> i & 0xff, msr == 0x277))
				return 0;
		return 1;
	}
	if (value >> MAXPHYADDR)
		return 0;
	return msr & 1 ? !(value & 0x7ff) :
			 is_type(value & 0xff, 0) && !(value & 0xf00);
}

/* Answer an access that the filter denies the guest. */
static void emulate_msr(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1, .entry = { .index = run->msr.index } };
${
  forwards
    ? ''
    : `	static struct { u64 value; int is_kept; } kept[VCPUS][0x300];
	int id = vcpu - vcpus;
`
}
	run->msr.error = 1;
	if (run->msr.reason != KVM_MSR_EXIT_REASON_FILTER)
		return;
	if (run->exit_reason == KVM_EXIT_X86_WRMSR) {
		one.entry.data = run->msr.data;
		if (!is_valid(run->msr.index, run->msr.data))
			return;
${
  forwards
    ? `		run->msr.error = ioctl(vcpu->fd, KVM_SET_MSRS, &one) != 1;`
    : `		kept[id][run->msr.index].value = run->msr.data;
		kept[id][run->msr.index].is_kept = 1;
		run->msr.error = 0;`
}
		return;
	}
	run->msr.error = ioctl(vcpu->fd, KVM_GET_MSRS, &one) != 1;
	run->msr.data = one.entry.data;
${
  forwards
    ? ''
    : `	if (kept[id][run->msr.index].is_kept)
		run->msr.data = kept[id][run->msr.index].value;
`
}}
`;

const filterLines = (): string =>
  `	static u8 none[2];
	struct kvm_msr_filter filter = { .flags = 0, .ranges = {
${FILTERED.map(([base, count]) => `\t\t{ 3, ${count}, ${hex(base)}, none },`).join('\n')}
	} };

	must(ioctl(vm, KVM_X86_SET_MSR_FILTER, &filter), "MSR filter");`;

function vmcsText(): string {
  const fields = vmcsFields(eptPointer(0x121_0000));
  return fields.map(([field, value]) => `\t{ ${hex(field)}, ${hex(value)} },`).join('\n');
}

function moreVm({ scenario }: Plan, hasApic: boolean): string {
  const wake = hasApic
    ? `
	{
		struct kvm_mp_state state = {
			.mp_state = KVM_MP_STATE_RUNNABLE };

		for (id = 0; id < VCPUS; id++)
			must(ioctl(vcpus[id].fd, KVM_SET_MP_STATE, &state),
			     "KVM_SET_MP_STATE");
	}`
    : '';
  const filter =
    scenario.msrMode === 'kernel' ? '' : `\t{\n${filterLines().replaceAll(/^(?=.)/gm, '\t')}\n\t}\n`;
  const apic = hasApic
    ? `	{
		struct kvm_enable_cap apics = { .args = { 24 },
			.cap = KVM_CAP_SPLIT_IRQCHIP };

		must(ioctl(vm, KVM_ENABLE_CAP, &apics), "local APICs");
	}
`
    : '';
  return `${apic}${filter}	for (id = 0; id < VCPUS; id++)
		make_vcpu(id);${wake}
	for (id = 0; id < VCPUS; id++)
		guest(id, op_nop, 0, 0);`;
}

function cleanUp(uses: Uses): string {
  const lines = [
    ...(uses.seesLeaves
      ? ['\tif (trace)', '\t\tfclose(trace);', '\tif (instance[0])', '\t\trmdir(instance);']
      : []),
  ];
  if (uses.ways.size > 0) {
    lines.push('\tif (kvm_vfio >= 0)', '\t\tclose(kvm_vfio);');
    lines.push(
      '\tfor (i = 0; i < DEVICES; i++)',
      '\t\tif (devices[i].file)',
      '\t\t\tclose_device(&devices[i]);',
    );
    const takes = ['any', 'vfio-noiommu', 'vfio-type1', 'vfio-cdev'].some((way) => uses.ways.has(way));
    if (takes) lines.push('\tpci_give_back();');
    lines.unshift('\tint i;', '');
  }
  return `static void clean_up(void)\n{\n${lines.join('\n') || '\t/* Nothing outlives the process. */'}\n}`;
}

/** The parts of a reproducer that differ from one scenario to another. */
export function madeSnippets(plan: Plan, uses: Uses): Made {
  const { scenario } = plan;
  const hasApic = everyStep(scenario).some((step) => step.do === 'init');
  const isRace = scenario.steps.some((step) => step.do === 'together');
  const isFar = scenario.steps.some((step) => step.do === 'access' && step.gpa >= WINDOW_END);
  const hasHuge = scenario.hugeRam || uses.kinds.has('huge-ram') || uses.kinds.has('gib-ram');
  const isEmulated = scenario.msrMode !== 'kernel';
  uses.op('op_nop');
  return {
    snippets: {
      MEMORY_KINDS: memoryKinds(uses),
      OPEN_DEVICE: openDevice(uses),
      va: { text: '', needs: [isFar ? 'far_va' : 'near_va'] },
      CHECKS: {
        text: '',
        needs: [...(uses.seesLeaves ? ['trace'] : []), ...(uses.seesL2 ? ['no_more_l2'] : [])],
      },
      SPLITS: { text: '', needs: hasHuge ? ['pages_of'] : [] },
      ALTERNATIVES: { text: '', needs: isRace ? ['is_among'] : [] },
      L2_STORE: { text: '', needs: uses.seesL2 ? ['l2_leaves'] : ['leaf_store'] },
    },
    words: {
      MSR_EXIT_CODE: isEmulated ? `${EMULATION(scenario.msrMode === 'filter').trim()}\n` : '',
      '\t\t\tMSR_EXIT;': isEmulated ? '\t\t\temulate_msr(vcpu);' : '\t\t\trun->msr.error = 1;',
      FAR_TABLES: isFar ? '\tpdpt[4] = FAR_DIRECTORY | 3;' : '',
      FAR_DEFINE: isFar ? '#define FAR_DIRECTORY\t(OWN + 0x24000)' : '',
      CHECK_LAST: uses.seesLeaves ? `\tcheck_leaves();${uses.seesL2 ? '\n\tno_more_l2_leaves();' : ''}` : '',
      '\t\tif \\(TEXT_DIFFERS && !leaf->told\\+\\+\\)': isRace
        ? '\t\tif (!is_among(text, leaf->text) && !leaf->told++)'
        : '\t\tif (strcmp(text, leaf->text) && !leaf->told++)',
      SPLIT: hasHuge ? SPLIT : '',
      SPLIT_WORDS: hasHuge ? SPLIT_WORDS : '',
      MORE_VM: moreVm(plan, hasApic),
      VMCS_FIELDS: vmcsText(),
    },
    cleanUp: cleanUp(uses),
  };
}
