import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { crashedSet, departedSet, fullRun, runOf, scenarios, setOf } from '../../../test/support/results.js';
import type { ResultSet } from '../types.js';
import { renderKcidb } from './kcidb.js';

// The rules of KCIDB's schema v5.3 for what is written here, in our own words: an id is `origin:rest`, a path is words
// between dots, no text holds NUL, an excerpt has at most 16384 characters, and no other field is known.
const id = { type: 'string', pattern: '^[a-z0-9_]+:.+$' };
const origin = { type: 'string', pattern: '^[a-z0-9_]+$' };
const text = { type: 'string', pattern: '^[^\\0]*$' };
const time = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$',
};
const status = { enum: ['FAIL', 'ERROR', 'MISS', 'PASS', 'DONE', 'SKIP'] };
const strict = (properties: object, required: string[]) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const list = (items: object) => ({ type: 'array', items });
const common = { id, origin, comment: text, start_time: time, misc: { type: 'object' } };
const validate = new Ajv({ strict: false }).compile(
  strict(
    {
      version: strict({ major: { const: 5 }, minor: { maximum: 3 } }, ['major']),
      checkouts: list(
        strict(
          {
            ...common,
            valid: { type: 'boolean' },
            tree_name: text,
            git_repository_url: { type: 'string', pattern: '^https://' },
            git_repository_branch: text,
            git_commit_hash: { type: 'string', pattern: '^[0-9a-f]{40}$' },
            git_commit_name: text,
            patchset_hash: { type: 'string', pattern: '^$|^[0-9a-f]{64}$' },
          },
          ['id', 'origin'],
        ),
      ),
      builds: list(
        strict({ ...common, checkout_id: id, architecture: { pattern: '^[a-z0-9_]*$' }, status }, [
          'id',
          'origin',
          'checkout_id',
        ]),
      ),
      tests: list(
        strict(
          {
            ...common,
            build_id: id,
            path: { type: 'string', pattern: '^([a-zA-Z0-9_-]+(\\.[a-zA-Z0-9_-]+)*)?$' },
            status,
            duration: { type: 'number' },
            log_excerpt: { ...text, maxLength: 16_384 },
            number: strict({ value: { type: 'number' }, unit: text }, ['value']),
            environment: strict({ comment: text, misc: { type: 'object' } }, []),
          },
          ['id', 'origin', 'build_id'],
        ),
      ),
    },
    ['version'],
  ),
);

interface Kcidb {
  checkouts: { id: string }[];
  builds: { id: string; checkout_id: string }[];
  tests: {
    id: string;
    build_id: string;
    path: string;
    status: string;
    number?: object;
    log_excerpt?: string;
  }[];
}
const render = (...args: Parameters<typeof renderKcidb>): Kcidb => JSON.parse(renderKcidb(...args));

it('follows the rules of the schema', () => {
  expect(validate(render(runOf(departedSet(true)))), JSON.stringify(validate.errors)).toBe(true);
  expect(validate(render(fullRun())), JSON.stringify(validate.errors)).toBe(true);
});

const KVM = 'https://git.kernel.org/pub/scm/virt/kvm/kvm.git';
const built = (git: object): ResultSet => ({
  ...setOf(scenarios.pass),
  kernel: { params: [], git: { commit: '1'.repeat(40), patches: [], ...git } },
});

it('says which commit a kernel was built from; all that runs it shares a checkout', () => {
  const git = { branch: 'next', describe: 'v7.2-rc1-3-g111', url: KVM };
  const run = runOf(built(git), built(git), built({ ...git, patches: ['a'.repeat(64), 'b'.repeat(64)] }));

  const { checkouts, builds } = render(run);

  expect(validate(render(run)), JSON.stringify(validate.errors)).toBe(true);
  expect(checkouts[0]).toMatchObject({
    tree_name: 'kvm',
    git_repository_url: KVM,
    git_repository_branch: 'next',
    git_commit_name: 'v7.2-rc1-3-g111',
    git_commit_hash: '1'.repeat(40),
    patchset_hash: '',
  });
  expect(checkouts).toHaveLength(2);
  // printf '%s\n%s\n' aa…a bb…b | sha256sum
  expect(checkouts[1]).toMatchObject({
    patchset_hash: '913f9338fb6c17253f3a14816fc08d52522454bfc19a8c99538a197cfb23fb41',
  });
  expect(new Set(builds.map(({ id }) => id)).size).toBe(3);
  expect(render({ ...run, startedAt: '2027-01-01T00:00:00.000Z' }).checkouts.map(({ id }) => id)).toEqual(
    checkouts.map(({ id }) => id),
  );
});

it.each([
  ['https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git', 'mainline'],
  ['https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git/', 'stable'],
  ['https://example.org/me/linux', 'linux'],
])('calls the tree of %s %s', (url, name) => {
  expect(render(runOf(built({ url }))).checkouts[0]).toMatchObject({ tree_name: name });
});

it('has platform and runtime, by which the dashboard sorts', () => {
  const host = { ...setOf(scenarios.pass), engine: 'host' as const };

  const [inLab, onHost] = render(runOf(setOf(scenarios.pass), host)).tests;

  expect(inLab).toMatchObject({
    environment: { misc: { platform: 'bochs' } },
    misc: { runtime: 'kvm-memtype-lab' },
  });
  expect(onHost).toMatchObject({
    environment: { misc: { platform: 'Intel(R) Core(TM) i7-4770' } },
    misc: { runtime: 'kvm-memtype-host' },
  });
});

it('an incomplete run is valid, with sets and without', () => {
  const incomplete = { reason: 'interrupted', text: 'interrupted by SIGINT' } as const;
  for (const run of [runOf(setOf(scenarios.pass)), runOf()])
    expect(validate(render({ ...run, incomplete })), JSON.stringify(validate.errors)).toBe(true);
});

it('links tests to builds and builds to checkouts, with ids that are used once', () => {
  const { checkouts, builds, tests } = render(fullRun());

  const ids = [...checkouts, ...builds, ...tests].map((object) => object.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(builds.map((build) => build.checkout_id)).toEqual(checkouts.map((checkout) => checkout.id));
  expect(tests.every((test) => builds.some((build) => build.id === test.build_id))).toBe(true);
});

it('maps statuses, and the leaves of a test that ran to its number', () => {
  const { tests } = render(runOf(setOf(...Object.values(scenarios))));

  expect(tests.map(({ path, status, number }) => [path, status, number])).toEqual([
    ['kvm_memtype.mtrr.overlap-uc-over-wb', 'PASS', { value: 12, unit: 'leaves' }],
    ['kvm_memtype.mtrr.default-type', 'FAIL', { value: 2, unit: 'leaves' }],
    ['kvm_memtype.vfio.attach', 'SKIP', undefined],
    ['kvm_memtype.vfio.detach', 'ERROR', undefined],
    ['kvm_memtype.cd.toggle', 'ERROR', undefined],
  ]);
});

it('blames a panic on the kernel, a dead emulator on the harness', () => {
  const panic = crashedSet();
  const died = { ...panic, crashed: { kind: 'emulator-died', reason: 'bochs ended', consoleTail: [] } };

  expect(render(runOf(panic)).tests[0]).toMatchObject({ path: 'kvm_memtype.kernel', status: 'FAIL' });
  expect(render(runOf(died)).tests[0]).toMatchObject({ path: 'kvm_memtype.emulator', status: 'MISS' });
});

it('gives runs with other module parameters tests of their own, whatever the kernel is called', () => {
  const set = setOf(scenarios.pass);
  const sets = [
    { ...set, name: '/build-1/bzImage' },
    { ...set, kernel: { params: ['kvm.tdp_mmu=N', 'kvm.mmio_caching=N'] } },
    { ...set, engine: 'qemu-tcg' as const, kernel: { params: [] } },
  ];

  expect(render(runOf(...sets)).tests.map(({ path }) => path)).toEqual([
    'kvm_memtype.mtrr.overlap-uc-over-wb',
    'kvm_memtype.kvm_mmio_caching_N.kvm_tdp_mmu_N.mtrr.overlap-uc-over-wb',
    'kvm_memtype.qemu-tcg.mtrr.overlap-uc-over-wb',
  ]);
});

it('keeps the end of a long log', () => {
  const long = {
    ...crashedSet(),
    crashed: { kind: 'oops', reason: 'r', consoleTail: ['x'.repeat(20_000), 'end'] },
  };

  const excerpt = render(runOf(long)).tests[0]?.log_excerpt;

  expect(excerpt).toHaveLength(16_384);
  expect(excerpt?.endsWith('\nend')).toBe(true);
});
