#!/usr/bin/env node
// Write the JSON Schemas in schema/ from the program's own (built). Tests hold the two against each other.
import { mkdirSync, writeFileSync } from 'node:fs';

const { resultJsonSchema } = await import('../dist/report/json-schema.js');
const { campaignJsonSchema } = await import('../dist/campaign/file/json-schema.js');
const { scenarioJsonSchema } = await import('../dist/scenario/file/json-schema.js');
const folder = new URL('../schema/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [file, schema] of [
  ['campaign-v1.json', campaignJsonSchema()],
  ['result-v1.json', resultJsonSchema()],
  ['scenario-v1.json', scenarioJsonSchema()],
])
  writeFileSync(new URL(file, folder), `${JSON.stringify(schema, null, 2)}\n`);
