import * as z from 'zod/mini';
import { brokenRules } from '../rules.js';
import { pathText } from '../schema.js';
import type { Scenario } from '../types.js';
import { fileSchema } from './schema.js';

/** A file holds no scenario; the message is one sentence that says where, and which rule is broken. */
export class ScenarioFileError extends Error {
  override readonly name = 'ScenarioFileError';
  readonly code = 'SCENARIO_FILE';
}

/** Say in a person's words what zod's own say badly. */
function wordsFor(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_union' && 'options' in issue)
    return `it is one of ${(issue.options as string[]).join(', ')}`;
  if (issue.code === 'unrecognized_keys')
    return `there is no field ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
  return issue.input === undefined ? 'it is missing' : undefined;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ScenarioFileError(`it is not JSON: ${(error as Error).message}`);
  }
}

const refuse = (path: string, rule: string): never => {
  throw new ScenarioFileError(`${path || 'the scenario'}: ${rule}`);
};

/**
 * Read a scenario from JSON as people write it: addresses and values in hexadecimal, MSRs by name, defaults left out.
 *
 * @throws ScenarioFileError if it is no scenario, or not a legal one
 */
export function parseScenario(text: string): Scenario {
  const parsed = z.safeDecode(fileSchema, readJson(text) as never, { error: wordsFor });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(pathText(issue?.path ?? []), issue?.message ?? 'it is no scenario');
  }
  const { $schema: _, ...scenario } = parsed.data;
  const [broken] = brokenRules(scenario);
  return broken === undefined ? scenario : refuse(broken.path, broken.text);
}
