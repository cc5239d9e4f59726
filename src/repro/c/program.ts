import { MsrRoutes } from '../../scenario/msr-routes.js';
import { NestedMappings } from '../../scenario/nested.js';
import type { Scenario } from '../../scenario/types.js';
import type { Plan } from '../plan.js';
import { Attachments } from './attachments.js';
import { madeSnippets } from './made.js';
import { hasPlainMsrs } from './msr-steps.js';
import { needLines } from './needs.js';
import { CORE } from './snippets/core.js';
import { DMA } from './snippets/dma.js';
import { MEMORY } from './snippets/memory.js';
import { NEEDS } from './snippets/needs.js';
import { NESTED } from './snippets/nested.js';
import { QUESTIONS } from './snippets/questions.js';
import { OPS, REGISTERS } from './snippets/registers.js';
import { STATES } from './snippets/states.js';
import { L2_EVENTS, L2_LINE, TRACE } from './snippets/trace.js';
import type { Snippets } from './snippets/types.js';
import { VM } from './snippets/vm.js';
import { stepLines } from './steps.js';
import { Uses } from './uses.js';
import { call, hex, paragraph } from './words.js';
import type { Writing } from './writing.js';

const ALL: Snippets = {
  ...CORE,
  ...VM,
  ...TRACE,
  ...REGISTERS,
  ...STATES,
  ...MEMORY,
  ...DMA,
  ...NESTED,
  ...QUESTIONS,
  ...NEEDS,
};

const HEADERS = [
  'cpuid.h',
  'errno.h',
  'fcntl.h',
  'glob.h',
  'linux/kvm.h',
  'linux/vfio.h',
  'pthread.h',
  'signal.h',
  'stdarg.h',
  'stdio.h',
  'stdlib.h',
  'string.h',
  'sys/ioctl.h',
  'sys/mman.h',
  'sys/stat.h',
  'sys/utsname.h',
  'unistd.h',
];

/** The parts that are used and those that they need, each behind what it needs. */
function ordered(uses: Uses, snippets: Snippets): string[] {
  const order: string[] = [];
  const visit = (name: string): void => {
    if (order.includes(name)) return;
    if (name in OPS) {
      uses.op(name);
      return;
    }
    const snippet = snippets[name];
    if (snippet === undefined) throw new RangeError(`a reproducer has no part ${name}`);
    for (const need of snippet.needs ?? []) visit(need);
    if (!order.includes(name)) order.push(name);
  };
  for (const name of uses.snippets) visit(name);
  return order;
}

function opcode(ops: ReadonlySet<string>): string {
  const lines = Object.entries(OPS).flatMap(([name, code]) =>
    ops.has(name) ? [`    "${name}:\\n"`, ...code.map((line) => `    "\t${line}\\n"`)] : [],
  );
  return lines.join('\n');
}

function externs(ops: ReadonlySet<string>): string {
  return Object.keys(OPS)
    .filter((name) => ops.has(name))
    .map((name) => `extern const char ${name}[];`)
    .join('\n');
}

function head({ scenario, policy }: Plan): string[] {
  return [
    '// SPDX-License-Identifier: MIT',
    '/*',
    ...paragraph(`${scenario.name}: ${scenario.title}.`),
    ' *',
    ...paragraph(
      `What is expected is what KVM of policy ${policy.name} does (${policy.kernels}). Written by kvm-memtype.`,
    ),
    ' *',
    ' *	gcc -O2 -o repro repro.c && sudo ./repro [0000:00:02.0]',
    ' *',
    ...paragraph(
      'The argument is a PCI function that may be taken from its driver and given back, where one is needed. ' +
        'Exit status: 0 pass, 1 fail, 4 something is missing here.',
    ),
    ' */',
  ];
}

function functionOf(name: string, lines: readonly string[], start = 'static void'): string {
  return `${start} ${name}\n{\n${lines.join('\n').replace(/^\n/, '')}\n}`;
}

function mainLines(plan: Plan, parts: readonly string[], needs: readonly string[]): string[] {
  const { scenario, policy } = plan;
  const isPci = parts.includes('pci_device');
  return [
    `int main(${isPci ? 'int argc, char **argv' : 'void'})`,
    '{',
    '\tstruct sigaction on_time = { .sa_handler = on_alarm };',
    '\tstruct utsname system;',
    '',
    '\tsetvbuf(stdout, NULL, _IOLBF, 0);',
    '\tsigaction(SIGALRM, &on_time, NULL);',
    '\talarm(100);',
    ...(isPci ? ['\tif (argc > 1)', '\t\tpci_device = argv[1];'] : []),
    '\tuname(&system);',
    `\tprintf("Linux %s, held against policy ${policy.name}\\n", system.release);`,
    '\tkvm = open("/dev/kvm", O_RDWR);',
    '\tif (kvm < 0)',
    '\t\tskip("/dev/kvm: %s", strerror(errno));',
    ...needs,
    `\tram = ${scenario.hugeRam ? 'huge_memory' : 'plain_memory'}(RAM_SIZE);`,
    ...(parts.includes('slots')
      ? [
          '\tslots[0] = (struct slot){ .memory = ram, .size = RAM_SIZE,',
          '\t\t\t\t   .memory_size = RAM_SIZE };',
        ]
      : []),
    '\tmake_vm();',
    '\tfor (at_step = 0; at_step < (int)OWN; at_step += PAGE)',
    '\t\tram[at_step] = 0xc3;\t/* RET */',
    ...(parts.includes('ept') ? nestedMapLines(scenario) : []),
    ...(parts.includes('trace') ? ['\tstart_trace();'] : []),
    '\tsteps();',
    ...(parts.includes('trace') ? ['\tcheck_leaves();'] : []),
    ...(parts.includes('no_more_l2') ? ['\tno_more_l2_leaves();'] : []),
    '\tclean_up();',
    '\tprintf(failures ? "FAIL: %d\\n" : "PASS\\n", failures);',
    '\treturn failures != 0;',
    '}',
  ];
}

/** The guest's own EPT: what its guest may reach, and the page of that guest's code. */
function nestedMapLines({ steps }: Scenario): string[] {
  const { all } = new NestedMappings(steps);
  return [
    ...call('ept_map', ['OWN', 'OWN', '1', '6', '0']),
    ...all.flatMap(({ l2, gfn, level, type, ipat }) =>
      call('ept_map', [
        hex(l2),
        hex(BigInt(gfn) << 12n),
        String(level),
        String({ UC: 0, WC: 1, WT: 4, WP: 5, WB: 6 }[type]),
        ipat ? '1' : '0',
      ]),
    ),
  ];
}

const slotsOf = ({ steps }: Scenario): number =>
  1 + Math.max(0, ...steps.map((step) => ('slot' in step ? step.slot : 0)));

/** A reproducer: one file of C that takes the steps of a scenario and says whether all was as planned. */
export function programOf(plan: Plan): string {
  const { scenario } = plan;
  const seesLeaves = scenario.needs.includes('ept-leaves');
  const isNested = scenario.steps.some(({ do: kind }) => kind === 'nested-access' || kind === 'invept');
  const uses = new Uses(seesLeaves, isNested);
  const writing: Writing = {
    plan,
    uses,
    routes: new MsrRoutes(scenario.msrMode),
    nested: new NestedMappings(scenario.steps),
    attachments: new Attachments(),
    tables: [],
    isPlain: hasPlainMsrs(plan),
    at: 0,
  };
  for (const name of ['base', 'step', 'make_vm']) uses.add(name);
  if (seesLeaves) uses.add('trace');
  const steps = plan.steps.flatMap((step) => {
    writing.at++;
    return stepLines(step, writing);
  });
  const needs = needLines(plan, uses);
  uses.add(scenario.hugeRam ? 'huge_memory' : 'ram');
  if (isNested) uses.add('ept');
  const made = madeSnippets(plan, uses);
  const snippets = { ...ALL, ...made.snippets };
  const parts = ordered(uses, snippets);
  const main = mainLines(plan, parts, needs);
  const defines = [
    ['VCPUS', String(scenario.vcpus)],
    ['GUEST_MTRR', scenario.guestMtrr ? '1' : '0'],
    ['MAXPHYADDR', String(scenario.maxphyaddr)],
    ['MSR_EXITS', scenario.msrMode === 'kernel' ? '3' : '7'],
    ['START_CD', scenario.startCd ? '1' : '0'],
    ...(parts.includes('slots') ? [['SLOTS', String(slotsOf(scenario))]] : []),
    ...(parts.includes('vfio_files') ? [['DEVICES', String(Math.max(1, writing.attachments.count))]] : []),
    ...(parts.includes('virtio') ? [['VIRTIOS', String(Math.max(1, writing.attachments.virtioCount))]] : []),
  ].map(([name, value]) => `#define ${name}\t${'\t'.repeat(name && name.length < 8 ? 1 : 0)}${value}`);
  const replaced: Record<string, string> = {
    'extern const char OPS;': externs(uses.ops),
    OPCODE: opcode(uses.ops),
    L2_EVENTS: isNested ? L2_EVENTS : '',
    L2_LINE: isNested ? L2_LINE : '',
    ...made.words,
  };
  const text = (part: string): string =>
    Object.entries(replaced)
      .reduce(
        (all, [word, by]) => all.replaceAll(new RegExp(`^${word}$\n?`, 'gm'), by === '' ? '' : `${by}\n`),
        part,
      )
      .trim();
  const body = parts
    .map((name) => text((snippets[name] as { text: string }).text))
    .filter((code) => code !== '');
  const all = [
    ...defines,
    '',
    [...body, ...writing.tables, functionOf('steps(void)', steps), made.cleanUp, main.join('\n')].join(
      '\n\n',
    ),
  ].join('\n');
  return `${[
    ...head(plan),
    '#define _GNU_SOURCE',
    ...HEADERS.filter((header) => isUsed(header, all)).map((header) => `#include <${header}>`),
    '',
    all,
  ].join('\n')}\n`;
}

/** Headers that not every reproducer needs, and a word of theirs. */
const WORDS: Readonly<Record<string, string>> = {
  'cpuid.h': '__get_cpuid',
  'glob.h': 'glob_t',
  'linux/vfio.h': 'VFIO_SET_IOMMU',
  'pthread.h': 'pthread_t',
  'sys/stat.h': 'mkdir',
};

const isUsed = (header: string, all: string): boolean => {
  const word = WORDS[header];
  return word === undefined || all.includes(word);
};
