import { type Document, isScalar, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { findPolicy } from '../../memtype/index.js';
import { CampaignError } from '../errors.js';
import { type CampaignFile, campaignFile } from './schema.js';

const refuse = (why: string): never => {
  throw new CampaignError('CAMPAIGN_FILE', why);
};

const at = (path: readonly PropertyKey[]): string => path.map(String).join('.') || 'the campaign';

/** The fault that is told: of the forms that a thing may have, those of the form that got furthest. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.flatMap((issues) => {
    const [first] = issues;
    return first === undefined || first.path.length === 0 ? [] : [first];
  });
  const best = inner.sort((a, b) => b.path.length - a.path.length)[0];
  return best === undefined ? issue : deepest({ ...best, path: [...issue.path, ...best.path] });
}

function sentence(issue: z.core.$ZodIssue): string {
  const { path, ...fault } = deepest(issue);
  if (fault.code === 'unrecognized_keys') return `${at(path)}: there is no field ${fault.keys.join(', ')}`;
  return `${at(path)}: ${fault.message.replace(/^Invalid input: ?/, '').replace(/^Invalid input$/, 'it is none of what may stand here')}`;
}

/** What JavaScript takes for something else than a field, so that it would be dropped without a word. */
const NO_NAME = '__proto__';

function hasNoName(document: Document): boolean {
  let found = false;
  visit(document, {
    Pair(_, { key }) {
      found ||= isScalar(key) && key.value === NO_NAME;
    },
  });
  return found;
}

/**
 * Read a campaign from YAML.
 * @throws CampaignError CAMPAIGN_FILE, in one sentence that says where
 */
export function parseCampaign(text: string): CampaignFile {
  const document = parseDocument(text, { uniqueKeys: true, merge: false, prettyErrors: true });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined)
    return refuse(`it is not YAML: ${fault.message.split('\n')[0]?.replace(/:$/, '')}`);
  if (hasNoName(document)) return refuse(`nothing can be called ${NO_NAME}`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 20 });
  } catch (error) {
    return refuse(`it is not YAML: ${(error as Error).message}`);
  }
  const parsed = campaignFile.safeParse(value);
  if (!parsed.success) return refuse(sentence(parsed.error.issues[0] as z.core.$ZodIssue));
  mustBePolicy(parsed.data.policy);
  return parsed.data;
}

/** It is not in the schema: journals are read with that, also those of policies that were there once. */
function mustBePolicy(policy: string): void {
  try {
    if (policy !== 'auto') findPolicy(policy);
  } catch (error) {
    refuse(`policy: ${(error as Error).message}`);
  }
}
