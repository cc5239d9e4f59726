import { pathText } from '../scenario/schema.js';
import { specSchema } from './spec-schema.js';

/** What is wrong with a spec that has travelled, and where; undefined if nothing is. The agent's bundle has a compiled one in its place. */
export function specFault(value: unknown): string | undefined {
  const [issue] = specSchema.safeParse(value).error?.issues ?? [];
  return issue && `${pathText(issue.path)}: ${issue.message}`;
}
