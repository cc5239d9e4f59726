import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** Where the lab's machine has the addon. */
export const LAB_ADDON = '/app/build/Release/kvm_memtype.node';

/** Bundle test/lab/agents/NAME.ts, a program for the lab's machine, into `folder`. @returns the file */
export function bundleLabAgent(name: string, folder: string): string {
  const outfile = join(folder, `${name}.mjs`);
  const require = "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);";
  buildSync({
    entryPoints: [fileURLToPath(new URL(`../lab/agents/${name}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    banner: { js: `${require}process.env.KVM_MEMTYPE_ADDON='${LAB_ADDON}';` },
  });
  return outfile;
}
