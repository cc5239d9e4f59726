/** A test as it was read back from KTAP. */
export interface KtapTest {
  ok: boolean;
  name: string;
  directive: string | undefined;
  note: string;
  subtests: KtapTest[];
}

const RESULT = /^(ok|not ok) ([1-9]\d*)(?: ([^#]*?))?(?: # ?(?:(SKIP|TODO|XFAIL|TIMEOUT|ERROR)\b ?)?(.*))?$/;
const PLAN = /^1\.\.(\d+)$/;

class Reader {
  private at = 0;
  constructor(private readonly lines: readonly string[]) {}

  get done(): boolean {
    return this.at >= this.lines.length;
  }

  /** The next line at this depth, without its indentation; undefined where the next line is shallower or deeper. */
  peek(depth: number): string | undefined {
    const line = this.lines[this.at];
    if (line === undefined) return undefined;
    const indent = line.length - line.trimStart().length;
    return indent === depth * 2 ? line.slice(indent) : undefined;
  }

  take(): void {
    this.at += 1;
  }

  fail(why: string): never {
    throw new Error(
      `KTAP line ${this.at + 1}: ${why}: ${JSON.stringify(this.lines[this.at] ?? 'end of input')}`,
    );
  }
}

function readPlan(reader: Reader, depth: number): number {
  if (reader.peek(depth) !== 'KTAP version 1') reader.fail('expected a version line');
  reader.take();
  if (reader.peek(depth)?.startsWith('# Subtest: ')) reader.take();
  const plan = PLAN.exec(reader.peek(depth) ?? '');
  if (!plan) reader.fail('expected a plan');
  reader.take();
  return Number(plan?.[1]);
}

function readSubtests(reader: Reader, depth: number): KtapTest[] {
  return reader.peek(depth + 1) === 'KTAP version 1' ? readTests(reader, depth + 1) : [];
}

function readTest(reader: Reader, depth: number, number: number): KtapTest {
  const subtests = readSubtests(reader, depth);
  while (reader.peek(depth)?.startsWith('#')) reader.take();
  const result = RESULT.exec(reader.peek(depth) ?? '') ?? reader.fail('expected a result');
  if (Number(result[2]) !== number) reader.fail(`expected number ${number}`);
  const test = {
    ok: result[1] === 'ok',
    name: result[3] ?? '',
    directive: result[4],
    note: result[5] ?? '',
    subtests,
  };
  if (test.ok && subtests.some((sub) => !sub.ok)) reader.fail('passes though a subtest failed');
  if (test.ok && ['TIMEOUT', 'ERROR'].includes(test.directive ?? '')) reader.fail('must be "not ok"');
  reader.take();
  return test;
}

function readTests(reader: Reader, depth: number): KtapTest[] {
  const planned = readPlan(reader, depth);
  return Array.from({ length: planned }, (_, index) => readTest(reader, depth, index + 1));
}

/**
 * Read KTAP more strictly than the kernel's own parsers do: every line must be one of the four kinds, in its place, and
 * every result must agree with its subtests.
 * @throws Error naming the first line that is not as it should be
 */
export function parseKtap(text: string): KtapTest[] {
  if (!text.endsWith('\n')) throw new Error('KTAP must end with a line end');
  const reader = new Reader(text.slice(0, -1).split('\n'));
  const tests = readTests(reader, 0);
  if (!reader.done) reader.fail('expected the end');
  return tests;
}
