import type { PatType } from '../../arch/memory-types.js';
import type { Rule } from '../types.js';

/** What the host's kernel knows of a frame: an ordinary page, one that is PageReserved, or no struct page at all. */
type Page = 'ordinary' | 'reserved' | 'none';

/** A kind of memory that a memslot may show to the guest. */
interface Kind {
  readonly title: string;
  readonly page: Page;
  /** The type that the host maps it with, where nothing else is told (`lookup_memtype()`). */
  readonly host: PatType;
}

/**
 * Kinds of backing by what `kvm_is_mmio_pfn()` looks at. Pages of ZONE_DEVICE are PageReserved (`__init_zone_device_page()`). A range
 * of the ISA hole is not tracked by the host and counts as WB (`is_ISA_range()`). Pages that a driver mapped WC stay ordinary.
 */
const BACKINGS = {
  ram: { title: 'RAM', page: 'ordinary', host: 'WB' },
  hugetlb: { title: 'RAM in huge pages', page: 'ordinary', host: 'WB' },
  'guest-memfd': { title: 'private memory (guest_memfd)', page: 'ordinary', host: 'WB' },
  'wc-mapped': { title: 'RAM that a driver mapped WC', page: 'ordinary', host: 'WC' },
  dax: { title: 'persistent memory (DAX)', page: 'reserved', host: 'WB' },
  reserved: { title: 'memory that the host keeps reserved', page: 'reserved', host: 'WB' },
  'dev-mem': { title: 'device memory through /dev/mem', page: 'reserved', host: 'UC-' },
  'isa-hole': { title: '0xa0000 to 0xfffff of the host, through /dev/mem', page: 'reserved', host: 'WB' },
  'pci-bar': { title: 'a BAR of a PCI device', page: 'none', host: 'UC-' },
} as const satisfies Record<string, Kind>;

/** A kind of memory behind a memslot. */
export type BackingName = keyof typeof BACKINGS;
/** All kinds of memory behind a memslot. */
export const BACKING_NAMES = Object.keys(BACKINGS) as readonly BackingName[];

/** Memory behind a memslot. */
export interface Backing {
  readonly kind: BackingName;
  /** The type of the host's own mapping; by kind if it is not told. */
  readonly host?: PatType | undefined;
}

/** What of the host decides which frames are MMIO. */
export interface HostView {
  /** The host runs with `nopat`. */
  readonly nopat: boolean;
  /** Its kernel is older than 4.16, which looked at nothing but PageReserved. */
  readonly before416: boolean;
}

const UNCACHED: readonly PatType[] = ['UC', 'UC-', 'WC'];
const MODERN = 'kvm_is_mmio_pfn(), from 4.16';

/** Whether KVM takes frames of this backing for host MMIO, and why. */
export function hostMmioOf(
  { kind, host }: Backing,
  { nopat, before416 }: HostView,
): Rule & { mmio: boolean } {
  const { title, page, host: usual } = BACKINGS[kind] as Kind;
  const type = host ?? usual;
  const say = (mmio: boolean, because: string, source: string): Rule & { mmio: boolean } => ({
    mmio,
    text: `${title}: ${because}: ${mmio ? 'host MMIO' : 'as RAM'}`,
    source,
  });
  if (page === 'none')
    return say(
      true,
      'frames without a struct page that the e820 does not call RAM',
      'kvm_is_mmio_pfn(), all versions',
    );
  if (page === 'ordinary') return say(false, 'its pages are not reserved', 'kvm_is_mmio_pfn(), all versions');
  if (before416)
    return say(
      true,
      'its pages are reserved, and the kernel is older than 4.16',
      'kvm_is_mmio_pfn(), up to 4.15',
    );
  if (nopat) return say(true, 'its pages are reserved, and the host runs with nopat', MODERN);
  const mmio = UNCACHED.includes(type);
  return say(mmio, `its pages are reserved, and the host maps them ${type}`, MODERN);
}
