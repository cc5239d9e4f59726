import { z } from 'zod';
import { resultFile } from './schema.js';

/**
 * The JSON Schema (draft 7) of what `--format json` writes; schema/result-v1.json is its copy for others to read. It is that of a reader, who
 * lets fields pass that a later version adds.
 */
export const resultJsonSchema = (): object => ({
  $id: 'urn:kvm-memtype:result:v1',
  ...z.toJSONSchema(resultFile, { target: 'draft-7', io: 'input' }),
});
