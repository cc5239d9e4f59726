import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildKernel } from '../../src/lab/index.js';
import { caseOf } from './cases.js';
import { compare, count, judge, type Run } from './compare.js';
import { type Image, runAsOurGuests } from './our-guests.js';
import { runInQemu } from './qemu.js';

const SUFFIX = '.flat';

/** A set-up that cannot work; the message says how it can. */
class SetupError extends Error {}

function imagesIn(dir: string, wanted: readonly string[]): string[] {
  if (!dir)
    throw new SetupError('name the directory with the images: KVM_UNIT_TESTS=<dir> npm run kvm-unit-tests');
  const names = ((): string[] => {
    try {
      return readdirSync(dir);
    } catch (error) {
      throw new SetupError(`cannot read ${dir}: ${(error as Error).message.replace(/, .*/s, '')}`);
    }
  })();
  const images = names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
  if (images.length === 0)
    throw new SetupError(`there is no *${SUFFIX} in ${dir}: build kvm-unit-tests there`);
  const unknown = wanted.find((name) => !images.includes(name));
  if (unknown !== undefined) throw new SetupError(`there is no ${unknown}${SUFFIX} in ${dir}`);
  return images.filter((name) => wanted.length === 0 || wanted.includes(name)).sort();
}

const counts = (run: Run): string =>
  (['PASS', 'FAIL', 'SKIP'] as const).map((kind) => count(run, kind)).join('/');

/** Keep what both printed, for those who look into a difference. */
function keep(out: string, image: string, runs: Record<string, Run>): void {
  mkdirSync(out, { recursive: true });
  for (const [name, { status, lines }] of Object.entries(runs))
    writeFileSync(join(out, `${image}.${name}`), `${lines.join('\n')}\nstatus ${status}\n`);
}

const row = (...cells: (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`);

/** Run each image in QEMU and as our guest; a row of the table for each. Whether nothing is left unexplained. */
async function runAll(images: readonly Image[], out: string): Promise<boolean> {
  const { bzImage } = await buildKernel({ source: 'debian:6.1' });
  row('image', 'in QEMU: PASS/FAIL/SKIP, status', 'as our guest: the same', 'PASS in both', 'result');
  row('---', '---', '---', '---', '---');
  const toRun = images.filter(({ skip }) => skip === undefined);
  const ours = await runAsOurGuests(bzImage, import.meta.dirname, toRun);
  let good = true;
  for (const o of images) {
    const our = ours[toRun.indexOf(o)];
    if (our === undefined) {
      row(o.image, '-', '-', '-', `not run: ${o.skip}`);
      continue;
    }
    const qemu = await runInQemu(o.path, o);
    const compared = compare(qemu, our);
    const verdict = judge(qemu, our, o);
    good &&= verdict !== 'DIFFERENT';
    keep(out, o.image, { qemu, ours: our });
    const show = (run: Run): string => `${counts(run)}, ${run.status ?? 'no end'}`;
    row(o.image, show(qemu), show(our), compared.same, verdict);
    for (const line of compared.onlyFirst) console.error(`  only in QEMU: ${line}`);
    for (const line of compared.onlySecond) console.error(`  only as our guest: ${line}`);
  }
  return good;
}

try {
  const dir = process.env.KVM_UNIT_TESTS ?? '';
  const images = imagesIn(dir, process.argv.slice(2)).map((image) => ({
    ...caseOf(image),
    path: join(dir, `${image}${SUFFIX}`),
  }));
  process.exitCode = (await runAll(images, join(import.meta.dirname, 'output'))) ? 0 : 1;
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(`kvm-unit-tests: ${error.message}`);
  process.exitCode = 2;
}
