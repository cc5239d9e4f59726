// Compiles a zod schema to plain JavaScript, for the agent: reading zod's own code and running it cost the lab's slow processor
// a hundred million instructions.

import { _ } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import * as z from 'zod/mini';

/** JSON Schema has no bigint: a keyword of our own stands for the only kind that there is. */
const U64_KEYWORD = {
  keyword: 'u64',
  error: { message: 'must be a bigint of 64 bits' },
  code: (cxt) =>
    cxt.fail(_`typeof ${cxt.data} != "bigint" || ${cxt.data} < 0n || ${cxt.data} > 0xffffffffffffffffn`),
};

const isU64 = ({ checks = [] }) =>
  JSON.stringify(checks.map(({ _zod: { def } }) => [def.check, def.inclusive, def.value.toString(16)])) ===
  '[["greater_than",true,"0"],["less_than",true,"ffffffffffffffff"]]';

/** Say what zod knows and its JSON Schema does not. */
function complete({ zodSchema, jsonSchema }) {
  const { type, discriminator, checks } = zodSchema._zod.def;
  // zod asks about a schema without its checks as well.
  if (type === 'bigint' && checks !== undefined) {
    if (!isU64(zodSchema._zod.def)) throw new Error('there is a bigint that is no u64');
    jsonSchema.u64 = true;
  }
  if (discriminator !== undefined) {
    jsonSchema.discriminator = { propertyName: discriminator };
    jsonSchema.type = 'object';
  }
}

/**
 * A CommonJS module whose default export says of a value whether it is as the schema asks; the first error is in its `errors`.
 * @param {z.ZodMiniType} schema
 */
function compiledCheck(schema) {
  const jsonSchema = z.toJSONSchema(schema, { unrepresentable: 'any', override: complete });
  const ajv = new Ajv2020({
    code: { source: true, lines: true },
    discriminator: true,
    strict: true,
    allowUnionTypes: true,
    keywords: [U64_KEYWORD],
  });
  return standaloneCode.default(ajv, ajv.compile(jsonSchema));
}

/** What the compiled module lacks: the first error as one line, with its place. */
const FAULT = `
export function specFault(value) {
  if (check(value)) return undefined;
  const [{ instancePath, message, params }] = check.errors;
  // A kind that there is not is told of the whole step: its place is the field that names the kind.
  const path = params.tag === undefined ? instancePath : instancePath + '/' + params.tag;
  const place = path.slice(1).replace(/\\/(\\d+)/g, '[$1]').replaceAll('/', '.');
  return place + ': ' + message + (params.additionalProperty === undefined ? '' : ': ' + params.additionalProperty);
}`;

/** The source of a module that does what src/recording/spec-check.ts does, by a compiled check. */
export const specCheckModule = (schema) =>
  compiledCheck(schema).replace(/^"use strict";\nmodule\.exports = (\w+);\n.*\n/, 'const check = $1;\n') +
  FAULT;

/** An esbuild plugin that puts that module in the place of src/recording/spec-check.ts. */
export const compiledSpecCheck = (schema) => ({
  name: 'compiled-spec-check',
  setup(build) {
    build.onLoad({ filter: /\/src\/recording\/spec-check\.ts$/ }, () => ({
      contents: specCheckModule(schema),
      loader: 'js',
      resolveDir: import.meta.dirname,
    }));
  },
});
