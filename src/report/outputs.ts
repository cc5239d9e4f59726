import { extname } from 'node:path';
import { OutputError } from '../process/output-file.js';

/** Every format that `--format` takes. */
export const FORMATS = [
  'pretty',
  'ktap',
  'tap',
  'kselftest',
  'junit',
  'json',
  'kcidb',
  'github',
  'html',
] as const;
/** A format that `--format` takes. */
export type Format = (typeof FORMATS)[number];

/** One `--format` or `--output` as it stood on the command line. */
export type OutputToken = { format: Format } | { output: string };

/** A format and where it goes: a file, or stdout (undefined). */
export interface OutputPlan {
  format: Format;
  file: string | undefined;
}

const BY_EXTENSION: Record<string, Format> = {
  '.html': 'html',
  '.json': 'json',
  '.ktap': 'ktap',
  '.tap': 'tap',
  '.txt': 'pretty',
  '.xml': 'junit',
};

function formatOf(file: string): Format {
  const format = BY_EXTENSION[extname(file)];
  if (!format) throw new OutputError(`--output ${file} needs a --format: its name does not tell one`);
  return format;
}

/** Give each file to the last format before it that has none, or else to the first after it that has none. */
function pairByPosition(tokens: readonly OutputToken[]): OutputPlan[] {
  const plans: OutputPlan[] = [];
  const waiting: string[] = [];
  for (const token of tokens) {
    const last = plans.at(-1);
    if ('format' in token) plans.push({ format: token.format, file: waiting.shift() });
    else if (last && last.file === undefined) last.file = token.output;
    else waiting.push(token.output);
  }
  return [...plans, ...waiting.map((file) => ({ format: formatOf(file), file }))];
}

/**
 * Pair formats with files: one to one in order where there are as many of each, else by position on the command
 * line; a file without a format is told by its extension. Where no format is left for stdout, it gets `pretty`.
 * @throws OutputError when two formats want stdout, or one file is named twice
 */
export function planOutputs(tokens: readonly OutputToken[]): OutputPlan[] {
  const formats = tokens.flatMap((token) => ('format' in token ? [token.format] : []));
  const files = tokens.flatMap((token) => ('output' in token ? [token.output] : []));
  const plans =
    formats.length === files.length
      ? formats.map((format, index) => ({ format, file: files[index] }))
      : pairByPosition(tokens);
  const toStdout = plans.filter((plan) => plan.file === undefined);
  if (toStdout.length > 1) {
    throw new OutputError(
      `only one format can go to stdout: give --output for ${toStdout[0]?.format} or ${toStdout[1]?.format}`,
    );
  }
  const twice = files.find((file, index) => files.indexOf(file) !== index);
  if (twice !== undefined) throw new OutputError(`--output ${twice} is given twice`);
  return toStdout.length === 0 ? [...plans, { format: 'pretty', file: undefined }] : plans;
}
