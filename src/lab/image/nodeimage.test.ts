import { expect, it } from 'vitest';
import { externalBuiltins, NODE_TARGET, runtimeFiles } from './nodeimage.js';

it('finds the JavaScript that Debian 13 ships beside its Node.js', () => {
  const defines = [
    'NODE_OPENSSL_CONF_NAME=nodejs_conf',
    'ICU_NO_USER_DATA_OVERRIDE',
    'NODE_SHARED_BUILTIN_CJS_MODULE_LEXER_LEXER_PATH=/usr/share/nodejs/cjs-module-lexer/lexer.js',
    'NODE_SHARED_BUILTIN_ACORN_PATH=/usr/share/nodejs/acorn/dist/acorn.js',
  ];

  expect(externalBuiltins(defines)).toEqual([
    '/usr/share/nodejs/cjs-module-lexer/lexer.js',
    '/usr/share/nodejs/acorn/dist/acorn.js',
  ]);
});

it('takes along the binary, what it is linked to, and every file it is configured to start with', async () => {
  const targets = (await runtimeFiles()).map(({ target }) => target);

  expect(targets[0]).toBe(NODE_TARGET);
  expect(targets.some((path) => /\/libc\.so\.6$/.test(path))).toBe(true);
  expect(targets).toEqual(expect.arrayContaining(externalBuiltins(process.config.target_defaults.defines)));
});
