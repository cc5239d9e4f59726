import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { requireOrSkip } from '../require.js';
import { addRun, askAll, askFiles, openIndex, threeRuns } from '../support/campaign-history.js';
import { TestPostgres } from '../support/queue-servers.js';

let postgres: TestPostgres | undefined;
beforeAll(async () => {
  postgres = await TestPostgres.start();
});
afterAll(() => postgres?.remove());
beforeEach((context) => requireOrSkip(context, postgres, 'postgresql'));

const url = (): string => postgres?.url() ?? '';
const open = (folder: Parameters<typeof openIndex>[0]) => openIndex(folder, undefined, url());

it('an index in PostgreSQL tells what the files tell, of each of the campaigns that share it', async () => {
  const [one, other] = [await threeRuns(), await threeRuns()];
  const { took: _, ...files } = await askFiles(one);

  const [{ took, ...first }] = await Promise.all([open(one).then(askAll), open(other).then(askAll)]);
  await addRun(other, 4);
  const { took: both, ...second } = await askAll(await open(other));
  const { took: __, ...otherFiles } = await askFiles(other);

  expect(first).toEqual(files);
  expect(second).toEqual(otherFiles);
  expect(second.runs.map(({ number }) => number)).toEqual([2, 3, 4]);
  // How long jobs take is learnt from all of them.
  expect(took.length).toBeGreaterThan(0);
  expect(both).toContain('["build\\tc",6]');
});

it('an index that may not be used leaves the files, and says so', async () => {
  const folder = await threeRuns();
  const said: string[] = [];
  postgres?.sql('CREATE SCHEMA kvm_memtype');
  postgres?.sql('GRANT USAGE ON SCHEMA kvm_memtype TO "kvm-memtype"');
  postgres?.sql('GRANT CREATE ON DATABASE postgres TO "kvm-memtype"');
  const denied = url().replace(/\/kvm-memtype$/, '/postgres');

  const told = await askAll(await openIndex(folder, (why) => said.push(why), denied));

  expect(told).toEqual(await askFiles(folder));
  expect(said).toEqual([expect.stringMatching(/postgres cannot be used: permission denied for schema/)]);
});

it('an index that does not answer leaves the files, and says so without its password', async () => {
  const folder = await threeRuns();
  const said: string[] = [];
  const wrong = url().replace(/:(\d+)\//, ':1/');

  const told = await askAll(await openIndex(folder, (why) => said.push(why), wrong));

  expect(told).toEqual(await askFiles(folder));
  expect(said).toEqual([
    expect.stringMatching(
      /^earlier runs are read from all their files.*postgres:\/\/127\.0\.0\.1:1\/kvm-memtype/,
    ),
  ]);
  expect(said[0]).not.toContain(postgres?.password);
});
