import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const HERE = new URL('./', import.meta.url);

/** Ioctls that have no errors of their own: they read what is always there, or take whatever comes. */
const NO_ERRORS = [
  'KVM_GET_API_VERSION',
  'KVM_CHECK_EXTENSION',
  'KVM_GET_VCPU_MMAP_SIZE',
  'KVM_GET_MSR_INDEX_LIST',
  'KVM_CREATE_DEVICE', // of hasDevice(), whose answer the error is
  'KVM_GET_CLOCK',
  'KVM_GET_DEBUGREGS',
  'KVM_GET_MP_STATE',
  'KVM_GET_VCPU_EVENTS',
  'KVM_NMI',
  'KVM_GET_TSC_KHZ',
  'KVM_TRANSLATE',
  'VFIO_GET_API_VERSION',
  'VFIO_CHECK_EXTENSION',
  'VFIO_GROUP_GET_STATUS',
];

/** A doc comment, and the method that it is about. */
const DOCUMENTED = /\/\*\*(?<doc>(?:(?!\*\/)[\s\S])*)\*\/\s+(?:static |override )?(?<method>\w+)\(/g;
const IOCTL = /^[\s*]*(?:One )?((?:KVM|VFIO|IOMMU)_[A-Z0-9_]+)/;

const methods = readdirSync(HERE)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .flatMap((file) => [...readFileSync(new URL(file, HERE), 'utf8').matchAll(DOCUMENTED)])
  .map(({ groups }) => ({ method: groups?.method ?? '', doc: groups?.doc ?? '' }))
  .flatMap(({ method, doc }) => {
    const ioctl = IOCTL.exec(doc)?.[1];
    return ioctl === undefined ? [] : [{ method, doc, ioctl }];
  });

describe('every method that is an ioctl', () => {
  it('is found', () => {
    expect(methods.length).toBeGreaterThan(80);
  });

  it.each(methods)('$method names what it needs, and the errors of $ioctl', ({ doc, ioctl }) => {
    expect(doc).toMatch(
      /\bNeeds (basic (KVM|VFIO)|(KVM|VFIO)_[A-Z]|as \w+\(\)|iommufd|VFIO character devices)/,
    );
    if (!NO_ERRORS.includes(ioctl)) expect(doc).toMatch(/@throws KvmError `KVM_IOCTL`: |@returns .*errno/);
  });
});
