import { z } from 'zod';

/** Raised when a field changes its meaning or goes; a new optional field does not raise it. */
export const RESULT_VERSION = 1;

const count = z.number().int().nonnegative();
const milliseconds = z.number().nonnegative();

export const status = z.enum(['pass', 'fail', 'skip', 'error', 'timeout']).meta({
  description:
    'pass: something was observed and all of it matched. fail: something did not match. skip: not applicable here. error: no verdict could be reached. timeout: the budget ran out',
});

export const failure = z.object({
  step: count.meta({
    description:
      'number of the step in its scenario, from 1; 0 is the start of the guest, before the first step',
  }),
  line: count.optional().meta({ description: 'line of the step in the file of the scenario, from 1' }),
  stepText: z.string().meta({ description: 'the step in words' }),
  vcpu: count.optional(),
  gfn: count.optional().meta({ description: 'guest frame number, 4 KiB units' }),
  what: z.string().meta({ description: 'what was checked: leaf, zap, msr, fault, effective type, ...' }),
  expected: z.string(),
  seen: z.string(),
  sources: z.array(z.string()).meta({ description: 'where the expectation comes from' }),
  rerun: z.string().meta({ description: 'a command that runs this scenario alone' }),
});

export const erratum = z.object({
  id: z.string(),
  kernels: z.string().meta({ description: 'the range of kernels that have it, in words' }),
  text: z.string(),
});

export const scenarioResult = z.object({
  family: z.string(),
  name: z.string(),
  repeat: count
    .optional()
    .meta({ description: 'which repetition this is, from 1, where there were several' }),
  file: z
    .string()
    .optional()
    .meta({ description: 'the file that the scenario was read from, as given; absent for the catalogue' }),
  status,
  skip: z
    .object({ reason: z.string(), lift: z.string().meta({ description: 'what would let it run' }) })
    .optional(),
  durationMs: milliseconds,
  checks: z
    .record(z.string(), count)
    .meta({ description: 'how many of each kind were checked: leaves, zaps, msrs, effective, ...' }),
  failures: z.array(failure),
  error: z.string().optional().meta({ description: 'why there is no verdict (error, timeout)' }),
  errata: z.array(erratum),
});

export const crash = z.object({
  kind: z.string().meta({
    description:
      'what ended the set early: panic, oops (the kernel died), timeout (the time ran out), emulator-died, no-agent (the machine went off), agent-died (our own program beside KVM died: not the kernel)',
  }),
  reason: z.string(),
  consoleTail: z.array(z.string()),
});

export const fingerprint = z.object({
  cpu: z.string(),
  microcode: z.string().optional().meta({
    description:
      'revision of the microcode, as /proc/cpuinfo of the kernel under test has it; absent where it has none',
  }),
  version: z.string().optional().meta({ description: 'uname -v of the kernel under test' }),
  ept: z.boolean(),
  params: z.record(z.string(), z.string()).meta({
    description:
      'module parameters in force, such as kvm_intel.ept: those that matter, and all that were asked for',
  }),
  capabilities: z
    .record(z.string(), z.number())
    .meta({ description: 'KVM_CAP_* and what the kernel answered' }),
});

const policyChoice = z.object({
  name: z.string(),
  how: z.enum(['forced', 'probed', 'hint']),
  explainedBy: z.array(z.string()).meta({
    description: 'all known policies that explain everything seen; filled when the chosen one does not',
  }),
  expectedByVersion: z.string().optional().meta({
    description: 'the policy that the release is known for, where the chosen one is of another era',
  }),
  warning: z.string().optional().meta({ description: 'the same in a sentence' }),
  strict: z
    .literal(true)
    .optional()
    .meta({ description: '--strict was given: the warning counts as a failure' }),
});

const counts = z.object({ seen: count, possible: count });

export const coverage = z
  .object({
    pairs: counts.extend({ missing: z.array(z.string()) }),
    triples: counts.meta({ description: 'possible: those none of whose pairs is impossible' }),
    impossible: z.array(z.object({ reason: z.string(), pairs: count })),
  })
  .meta({
    description:
      'which pairs and triples of values of the state space (source of the type, page, access, order, ...) were exercised and observed: with run --coverage',
  });

const git = z
  .object({
    commit: z.string().regex(/^[0-9a-f]{40}$/),
    branch: z.string().optional(),
    describe: z.string().optional().meta({ description: 'as git describe has it' }),
    url: z.string().optional().meta({ description: 'https:// address of the repository' }),
    patches: z
      .array(z.string().regex(/^[0-9a-f]{64}$/))
      .meta({ description: 'SHA-256 of each patch that was applied to it, in order' }),
  })
  .meta({
    description:
      'the commit that the image was built from, where `kernel build` built it from a clean checkout',
  });

const kernel = z.object({
  image: z.string().optional().meta({ description: 'as given: a path, or debian:<series>' }),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .meta({ description: 'of the image' }),
  git: git.optional(),
  params: z
    .array(z.string())
    .meta({ description: 'module parameters that were asked for, as module.name=value' }),
});

const host = z
  .object({
    cpu: z.string(),
    release: z.string().meta({ description: 'uname -r' }),
    version: z.string().meta({ description: 'uname -v' }),
  })
  .meta({ description: 'the machine that kvm-memtype runs on, and with it the lab' });

export const incomplete = z.object({
  reason: z.enum(['interrupted', 'failed', 'unfinished']).meta({
    description:
      'interrupted: by a signal, or as nobody read on. failed: an error ended it. unfinished: read from the journal of a run that did not reach its end',
  }),
  text: z.string().meta({ description: 'the same in a sentence, with how far it came' }),
});

export const scope = z.enum(['whole', 'quick', 'chosen']).meta({
  description:
    'which scenarios: the whole catalogue, the quick set of it (run --quick), or others that were chosen',
});

const planned = count.optional();

export const resultSet = z.object({
  name: z.string().meta({
    description:
      'label of this kernel: --name; else this host, debian:<series>, or the release of an image, with the engine and the module parameters where they are not the usual ones',
  }),
  release: z.string().meta({ description: 'uname -r of the kernel under test' }),
  engine: z.enum(['host', 'bochs', 'qemu-kvm', 'qemu-tcg']),
  policy: policyChoice,
  fingerprint,
  kernel: kernel.optional(),
  scope: scope.optional(),
  durationMs: milliseconds,
  scenarios: z.array(scenarioResult),
  coverage: coverage.optional(),
  crashed: crash.optional(),
  planned: planned.meta({ description: 'how many scenarios it has when it is complete' }),
  incomplete: incomplete.optional(),
});

const tool = z.object({
  name: z.literal('kvm-memtype'),
  version: z.string(),
  revision: z.string().optional().meta({
    description: 'git commit of kvm-memtype, -dirty if files were changed; absent where it was installed',
  }),
});

export const runResult = z.object({
  tool,
  judgedBy: tool.optional().meta({
    description: 'what judged a recording, where that is not the program that recorded it',
  }),
  host: host.optional(),
  startedAt: z.iso.datetime(),
  durationMs: milliseconds,
  sets: z.array(resultSet),
  planned: planned.meta({ description: 'how many sets it has when it is complete' }),
  incomplete: incomplete.optional(),
});

/** The file that `--format json` writes. */
export const resultFile = runResult
  .extend({
    schema: z.literal('kvm-memtype/result'),
    version: z.literal(RESULT_VERSION),
  })
  .meta({
    title: 'kvm-memtype result',
    description: 'The results of one kvm-memtype run, one set per kernel',
  });
