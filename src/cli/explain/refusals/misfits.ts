import { gpaOf } from '../../../arch/units.js';
import { isBefore, isRedHat } from '../../../memtype/index.js';
import { UsageError } from '../../errors.js';
import type { GuestFacts } from '../state.js';
import { hex } from '../text.js';

const STANDARD_BITS = 40;

/** A slot that no access of the guest reaches. */
function unreachable({ slots = [], maxphyaddr = STANDARD_BITS }: GuestFacts): string | undefined {
  const slot = slots.find(({ end }) => end > 2 ** (maxphyaddr - 12));
  if (slot === undefined) return undefined;
  const bits = (gpaOf(slot.end) - 1n).toString(2).length;
  return `slot ${slot.name} ends at ${hex(gpaOf(slot.end))}, above the guest's ${maxphyaddr} address bits; --maxphyaddr ${bits} makes it whole`;
}

/** What does not go together, whatever the policy; undefined if all does. */
function misfit(facts: GuestFacts, kernel: string): string | undefined {
  const { slots, linux, mapping, mappedBefore, hostNopat } = facts;
  if (mapping !== undefined && linux === undefined)
    return '--mapping is how Linux maps the page: it needs --linux <version>';
  if (mappedBefore !== undefined && (linux === undefined || mapping === 'ram'))
    return '--mapped-before is of memory that Linux maps by --mapping: it needs --linux <version>, and is not for RAM';
  if (hostNopat && slots === undefined)
    return '--host-nopat decides which slots are host MMIO: it needs --slot, or --mmio says so of all memory';
  const memfd = slots?.find(({ backing }) => backing.kind === 'guest-memfd');
  if (memfd !== undefined && isBefore(kernel, [6, 8]) && !isRedHat(kernel))
    return `slot ${memfd.name}: guest_memfd came in 6.8, and the kernel is '${kernel}': KVM_SET_USER_MEMORY_REGION2 is ENOTTY`;
  return unreachable(facts);
}

/**
 * Refuse what does not go together.
 *
 * @throws UsageError with the reason
 */
export function mustFit(facts: GuestFacts, kernel: string): void {
  const reason = misfit(facts, kernel);
  if (reason !== undefined) throw new UsageError(reason);
}
