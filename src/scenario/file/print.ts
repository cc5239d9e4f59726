import * as z from 'zod/mini';
import { SCENARIO_DEFAULTS } from '../builder.js';
import type { Scenario } from '../types.js';
import { fileSchema, STEP_DEFAULTS } from './schema.js';

type Fields = Record<string, unknown>;

const json = (value: unknown): string => JSON.stringify(value);
const defaultsOf = (kind: string): Fields => (STEP_DEFAULTS as Record<string, Fields>)[kind] ?? {};

/** What differs from the defaults. */
const told = (fields: object, defaults: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([key, value]) => json(value) !== json(defaults[key])));

/** A value on one line, with blanks where people put them. */
function line(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(line).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return json(value);
  const fields = Object.entries(value).map(([key, field]) => `${json(key)}: ${line(field)}`);
  return `{ ${fields.join(', ')} }`;
}

interface PrintedStep {
  do: string;
  steps?: readonly PrintedStep[];
}

/** A step without what is as usual, and so the steps in it. */
function shortStep(step: PrintedStep): Fields {
  const inner = step.steps === undefined ? {} : { steps: step.steps.map(shortStep) };
  return told({ ...step, ...inner }, defaultsOf(step.do));
}

/** A scenario as a file for people: what is as usual is left out, and each step takes one line. */
export function printScenario(scenario: Scenario): string {
  const { steps, ...head } = z.encode(fileSchema, structuredClone(scenario) as never);
  const fields = Object.entries(told(head, SCENARIO_DEFAULTS)).map(
    ([key, value]) => `  ${json(key)}: ${line(value)}`,
  );
  const lines = steps.map((step) => `    ${line(shortStep(step))}`);
  return `{\n${[...fields, `  "steps": [\n${lines.join(',\n')}\n  ]`].join(',\n')}\n}\n`;
}
