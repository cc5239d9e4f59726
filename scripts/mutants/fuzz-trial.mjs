/** The seed of every mutant, and what its scenarios may take by the machine's own clock. */
export const SEED = 1;
export const MACHINE_SECONDS = 60;

const SUMMARY = /^(\d+) scenarios?, (\d+) passed, (\d+) skipped, (\d+) failed;/;
const FOUND = /^fuzz-s\d+-(\d+)\.json$/;
/** A machine that ended early for another reason than its kernel's death: a busy host, or an emulator's fault, is not the mutant's. */
const BROKE_OFF = /^.+ \((?:timeout|emulator-died|no-agent|agent-died): .*\)$/;

/** What a run of `fuzz` says: how many scenarios were tried, and the number of the first that failed. */
export function readFuzz({ status, lines, files, said }) {
  const [, tried] = SUMMARY.exec(lines.at(-1) ?? '') ?? [];
  if (tried === undefined || (status !== 0 && status !== 1)) return { error: said };
  const broken = lines.find((line) => BROKE_OFF.test(line));
  if (broken !== undefined) return { error: broken.trim() };
  const [first] = files.flatMap((file) => FOUND.exec(file)?.[1] ?? []).map(Number);
  return { tried: Number(tried), ...(first === undefined ? {} : { first }) };
}

/** Tries mutants by random scenarios alone. `run` is one run of `fuzz` on a kernel. */
export const fuzzTrial = (run) => ({
  run,
  async base(runIt) {
    const { error, first } = await runIt({});
    return error === undefined ? { bad: first === undefined ? [] : [`fuzz/s${SEED}-${first}`] } : { error };
  },
  async judge(runIt, base) {
    const { error, tried, first } = await runIt({});
    if (error !== undefined) return { state: 'no-run', why: error };
    if (first === undefined) return { state: 'not-found', tried };
    if (base.bad.includes(`fuzz/s${SEED}-${first}`))
      return { state: 'no-run', why: 'the kernel without the fault fails first' };
    return { state: 'found', after: first + 1 };
  },
});
