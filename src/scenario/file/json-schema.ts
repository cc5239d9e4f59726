import * as z from 'zod/mini';
import { fileSchema } from './schema.js';

/** The JSON Schema (draft 2020-12) of a scenario's file; schema/scenario-v1.json is its copy for editors. */
export const scenarioJsonSchema = (): object => ({
  $id: 'urn:kvm-memtype:scenario:v1',
  title: 'A scenario of kvm-memtype',
  ...z.toJSONSchema(fileSchema, { target: 'draft-2020-12', io: 'input' }),
});
