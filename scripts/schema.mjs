#!/usr/bin/env node
// Write schema/result-v1.json from src/report/schema.ts (built). A test holds the two against each other.
import { mkdirSync, writeFileSync } from 'node:fs';

const { resultJsonSchema } = await import('../dist/report/json-schema.js');
const folder = new URL('../schema/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('result-v1.json', folder), `${JSON.stringify(resultJsonSchema(), null, 2)}\n`);
