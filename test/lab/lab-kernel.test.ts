import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { buildKernel } from '../../src/lab/kernel/build.js';
import { treeFingerprint } from '../../src/lab/kernel/fingerprint.js';
import { kernelSource } from '../../src/lab/kernel/sources.js';
import { runInLab } from '../../src/lab/machine/lab.js';

const dir = mkdtempSync(join(tmpdir(), 'lab-kernel-test-'));
afterAll(() => rmSync(dir, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

/** Have KVM say something of its own when it is initialised. */
const SAYS_SO = `--- a/virt/kvm/kvm_main.c
+++ b/virt/kvm/kvm_main.c
@@ -1,3 +1,13 @@
 // SPDX-License-Identifier: GPL-2.0-only
+#include <linux/init.h>
+#include <linux/printk.h>
+
+static int __init lab_says_so(void)
+{
+	pr_info("lab: this KVM is patched\\n");
+	return 0;
+}
+late_initcall(lab_says_so);
+
 /*
  * Kernel-based Virtual Machine driver for Linux
`;

describe('a patched kernel', () => {
  it('is built from what the patch touches, runs, and leaves the source as it was', async () => {
    const base = await buildKernel({ source: 'debian:6.1' });
    const { tree } = await kernelSource('debian:6.1');
    const before = await treeFingerprint(tree);
    const patch = file('says-so.patch', SAYS_SO);

    const patched = await buildKernel({ source: 'debian:6.1', patches: [patch] });
    const again = await buildKernel({ source: 'debian:6.1', patches: [patch] });

    expect(patched.key).not.toBe(base.key);
    expect(again).toMatchObject({ key: patched.key, cached: true });
    expect(await treeFingerprint(tree)).toBe(before);
    const console: string[] = [];
    const program = fileURLToPath(new URL('./agents/hello.mjs', import.meta.url));
    const common = {
      engine: 'bochs',
      program,
      files: [],
      args: ['0'],
      timeoutMs: 120_000,
      onLine: () => {},
    } as const;
    const onConsole = (line: string): void => void console.push(line);
    expect(await runInLab({ ...common, kernel: patched.bzImage, onConsole })).toMatchObject({ kind: 'done' });
    expect(console.join('\n')).toContain('lab: this KVM is patched');
  });
});

describe('a kernel that cannot be built', () => {
  it.each<[string, object, object]>([
    ['an unknown source', { source: join(dir, 'nowhere') }, { code: 'LAB_SOURCE' }],
    ['a version that is none', { source: 'debian:six' }, { code: 'LAB_SOURCE' }],
    [
      'a tree that is no kernel',
      { source: dir },
      { code: 'LAB_SOURCE', message: expect.stringContaining('no Makefile') },
    ],
    [
      'a patch that is not there',
      { source: 'debian:6.1', patches: ['/nowhere.patch'] },
      { code: 'LAB_FILE' },
    ],
  ])('refuses %s', async (_, request, error) => {
    await expect(buildKernel(request as { source: string })).rejects.toMatchObject(error);
  });

  it('refuses a tarball that is damaged', async () => {
    const tarball = file('linux.tar.gz', 'not a tarball');
    await expect(buildKernel({ source: tarball })).rejects.toMatchObject({ code: 'LAB_SOURCE' });
  });

  it('refuses a patch that is no diff, and one that does not apply, with patch’s own words', async () => {
    const empty = file('empty.patch', 'no diff\n');
    await expect(buildKernel({ source: 'debian:6.1', patches: [empty] })).rejects.toMatchObject({
      code: 'LAB_PATCH',
    });
    const wrong = file('wrong.patch', SAYS_SO.replace(' * Kernel-based', ' * Kernel-free'));
    await expect(buildKernel({ source: 'debian:6.1', patches: [wrong] })).rejects.toMatchObject({
      code: 'LAB_PATCH',
      message: expect.stringContaining('wrong.patch does not apply to linux-source-6.1'),
      tail: expect.arrayContaining([expect.stringContaining('FAILED')]),
    });
  });

  it('refuses an option that the kernel drops, and names it', async () => {
    const config = file('drop.config', 'KVM=y\nPCI=n\n');
    await expect(buildKernel({ source: 'debian:6.1', configs: [config] })).rejects.toMatchObject({
      code: 'LAB_CONFIG',
      message: expect.stringContaining('VFIO_PCI=y'),
    });
  });

  it('tells the first error of a kernel that does not compile', async () => {
    const patch = file('broken.patch', SAYS_SO.replace('return 0;', 'return lab_nonsense;'));
    await expect(buildKernel({ source: 'debian:6.1', patches: [patch] })).rejects.toMatchObject({
      code: 'LAB_BUILD',
      message: expect.stringContaining('lab_nonsense'),
    });
  });
});
