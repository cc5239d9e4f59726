import { gfnOf } from '../../../arch/units.js';
import type { MsrWrite, Slot } from '../../../memtype/index.js';
import { UsageError } from '../../errors.js';
import { type OfVcpu, ofVcpu, parseMsrWrite, parseNumber, parseQuirks } from '../args.js';

/** Something that guest or VMM do, in the order of the options. */
export type ThenEvent =
  | ({ readonly kind: 'msr' } & MsrWrite)
  | { readonly kind: 'cd'; readonly on: boolean }
  | { readonly kind: 'touch'; readonly gfn: number }
  | { readonly kind: 'dma'; readonly on: boolean }
  | { readonly kind: 'quirks'; readonly mask: number }
  | { readonly kind: 'delete'; readonly slot: string }
  | { readonly kind: 'restore' };

const isOn = (text: string, what: string): boolean => {
  if (text === '1' || text === 'on') return true;
  if (text === '0' || text === 'off') return false;
  throw new UsageError(`--then ${what}=${text} is not like ${what}=on or ${what}=off`);
};

/** Events by their word; any other is an MSR. */
const WORDS: Readonly<Record<string, (value: string) => ThenEvent>> = {
  cd: (value) => ({ kind: 'cd', on: isOn(value, 'cd') }),
  touch: (value) => ({ kind: 'touch', gfn: gfnOf(parseNumber(value, '--then touch:')) }),
  dma: (value) => ({ kind: 'dma', on: isOn(value, 'dma') }),
  quirks: (value) => ({ kind: 'quirks', mask: parseQuirks(value) }),
  delete: (value) => ({ kind: 'delete', slot: value }),
};

const FORMS = 'touch=1M, cd=on, 0x2ff=0xc06, dma=on, quirks=ignore-guest-pat, delete=ram or restore';
/** What is of the VM, not of one of its vCPUs. */
const OF_VM: readonly ThenEvent['kind'][] = ['dma', 'quirks', 'delete', 'restore'];

function parseEvent(text: string): ThenEvent {
  if (text === 'restore') return { kind: 'restore' };
  const [, word = '', value = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (word === '') throw new UsageError(`--then ${text} is not like ${FORMS}`);
  const known = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
  return known === undefined ? { kind: 'msr', ...parseMsrWrite(text, '--then') } : known(value);
}

/**
 * One event: `touch=ADDRESS`, `cd=on`, `MSR=VALUE`, each of `cpuN:`, else of vCPU 0; `dma=on`, `quirks=MASK`, `delete=SLOT`, `restore`.
 *
 * @throws UsageError if it is none
 */
export function parseThen(text: string): OfVcpu<ThenEvent> {
  const event = ofVcpu(parseEvent)(text);
  if (event.vcpu !== undefined && OF_VM.includes(event.value.kind))
    throw new UsageError(`--then ${text}: this is of the VM, not of a vCPU`);
  return event;
}

/** The memslot of a name. */
export function slotCalled(slots: readonly Slot[], name: string): number {
  const at = slots.findIndex((slot) => slot.name === name);
  if (at < 0) throw new UsageError(`--then delete=${name}: no --slot is called so`);
  return at;
}
