// Numbers that a patch takes for a proposal follow from what its base has used up, so they differ between series.

type Row = readonly [major: number, minor: number, value: number];

/**
 * KVM_DEV_TYPE_MAX by the first release that has it (include/uapi/linux/kvm.h of 6.1, 6.12, 7.2 and 7.3): the number that a
 * patch gives a device type which it adds at the end, as the proposal adds KVM_DEV_TYPE_VIRTIO.
 */
const NEXT_DEVICE_TYPE: readonly Row[] = [
  [7, 2, 17],
  [6, 13, 15],
  [6, 5, 12],
  [0, 0, 11],
];

/** The lowest free KVM_MEM_ bit by the first release: 0 and 1 are LOG_DIRTY_PAGES and READONLY, 2 is GUEST_MEMFD from 6.8. */
const NEXT_MEMSLOT_BIT: readonly Row[] = [
  [6, 8, 3],
  [0, 0, 2],
];

function lookUp(rows: readonly Row[], release: string): number {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const row = rows.find(([a, b]) => major > a || (major === a && minor >= b));
  return row?.[2] ?? 0;
}

/** The device type that KVM_DEV_TYPE_VIRTIO most likely has on a kernel of this release, if it has it. */
export const likelyVirtioType = (release: string): number => lookUp(NEXT_DEVICE_TYPE, release);

/** The KVM_MEM_ flag that KVM_MEM_NON_COHERENT_DMA most likely is on a kernel of this release, if it has it. */
export const likelyMemslotFlag = (release: string): number => 1 << lookUp(NEXT_MEMSLOT_BIT, release);
