import type { TestContext, TestOptions } from 'vitest';

/**
 * Skip the running test unless `ok`, saying what is missing. In CI what is missing is a failure: nothing there may be
 * left unchecked for want of a device, a tool or a kernel.
 */
export function requireOrSkip(context: Pick<TestContext, 'skip'>, ok: unknown, missing: string): asserts ok {
  if (ok) return;
  if (process.env.CI === 'true') throw new Error(`CI must have what this test needs: ${missing}`);
  context.skip(missing);
}

/** The options of a test that opens /dev/kvm. A file of which all do says `@module-tag kvm` at its top. */
export const NEEDS_KVM: TestOptions = { tags: ['kvm'] };
