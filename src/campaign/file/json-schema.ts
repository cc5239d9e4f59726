import { z } from 'zod';
import { campaignFile } from './schema.js';

/** The JSON Schema (draft 7) of a campaign's file; schema/campaign-v1.json is its copy for editors and for others to read. */
export const campaignJsonSchema = (): object =>
  z.toJSONSchema(campaignFile, { target: 'draft-7', io: 'input' });
