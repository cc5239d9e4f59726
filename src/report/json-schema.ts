import { z } from 'zod';
import { resultFile } from './schema.js';

/** The JSON Schema (draft 7) of what `--format json` writes; schema/result-v1.json is its copy for others to read. */
export const resultJsonSchema = (): object => z.toJSONSchema(resultFile, { target: 'draft-7' });
