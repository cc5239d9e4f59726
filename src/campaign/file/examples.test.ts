import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { workerCommand } from '../../cli/commands/fleet/worker.js';
import { runCommand } from '../../cli/commands/run.js';
import { parseCampaign } from './read.js';

const path = (name: string): string =>
  fileURLToPath(new URL(`../../../examples/campaign/${name}`, import.meta.url));
const read = (name: string): string => readFileSync(path(name), 'utf8');

/** What a worker's proof calls. */
const WORKER_PACKAGES = [
  'nodejs',
  'bochs',
  'bochsbios',
  'vgabios',
  'xorriso',
  'isolinux',
  'gcc',
  'binutils',
  'make',
  'flex',
  'bison',
  'bc',
  'lz4',
  'rsync',
  'patch',
  'perl',
  'xz-utils',
  'libelf-dev',
  'libssl-dev',
  'kmod',
  'cpio',
];

/** The options in a command line that a command does not have. */
function unknownOptions(
  text: string,
  command: { options: readonly { long?: string | null | undefined }[] },
): string[] {
  const known = command.options.map(({ long }) => long);
  return (text.match(/--[a-z][a-z-]*/g) ?? []).filter((option) => !known.includes(option));
}

describe('the examples of campaigns', () => {
  it('nightly.yaml is a campaign', () => {
    expect(parseCampaign(read('nightly.yaml')).kernels).toHaveLength(3);
  });

  it('the unit has sections and keys that systemd has, and starts a worker', () => {
    const lines = read('kvm-memtype-worker.service')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    const start = lines.find((line) => line.startsWith('ExecStart=')) ?? '';

    expect(
      lines.filter((line) => !/^(?:\[(?:Unit|Service|Install)\]|[A-Z][A-Za-z]+=\S.*)$/.test(line)),
    ).toEqual([]);
    expect(unknownOptions(start, workerCommand())).toEqual([]);
    // It wants the program of ExecStart to be there: all else that it says is a fault.
    const checked = spawnSync('systemd-analyze', ['verify', path('kvm-memtype-worker.service')], {
      encoding: 'utf8',
    });
    if (checked.error === undefined) expect(checked.stderr).not.toMatch(/Unknown|Invalid|Failed to parse/i);
  });

  it('the compose file has a queue that keeps jobs, and a worker', () => {
    const { services } = parse(read('compose.yaml'));

    expect(services.queue.command.join(' ')).toBe(
      'redis-server --appendonly yes --maxmemory-policy noeviction',
    );
    expect(services.worker.command[0]).toBe('worker');
    // It builds and boots kernels before it takes a job, and comes to an end where it cannot.
    expect(services.worker.build).toEqual({ context: '../..', dockerfile: 'Containerfile' });
    expect(services.worker.restart).toMatch(/^on-failure:\d+$/);
    const words = readFileSync(path('../../Containerfile'), 'utf8').split(/\s+/);
    expect(words).toContain('ENTRYPOINT');
    expect(WORKER_PACKAGES.filter((name) => !words.includes(name))).toEqual([]);
    expect(unknownOptions(services.worker.command.join(' '), workerCommand())).toEqual([]);
  });

  it('the Kubernetes job is an indexed one, and runs each part once', () => {
    const { apiVersion, kind, spec } = parse(read('kubernetes-job.yaml'));
    const [part] = spec.template.spec.containers;

    expect([apiVersion, kind, spec.completionMode, spec.template.spec.restartPolicy]).toEqual([
      'batch/v1',
      'Job',
      'Indexed',
      'Never',
    ]);
    expect(part.args[0]).toContain(`--shard "$((JOB_COMPLETION_INDEX + 1))/${spec.completions}"`);
    expect(spec.podFailurePolicy.rules[0].onExitCodes.containerName).toBe(part.name);
    expect(unknownOptions(part.args[0], runCommand())).toEqual([]);
  });

  it('the Slurm script is one that a shell reads', () => {
    const text = read('slurm-array.sh');
    const command = /^kvm-memtype[\s\S]*?\.json"$/m.exec(text)?.[0] ?? '';

    expect(spawnSync('bash', ['-n', path('slurm-array.sh')]).status).toBe(0);
    expect(text.match(/^#SBATCH --[a-z-]+=\S+$/gm)).toHaveLength(5);
    expect(unknownOptions(command, runCommand())).toEqual([]);
    expect(command).toContain('--shard');
  });
});
