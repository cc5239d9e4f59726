import { safeLine } from '../../text/safe.js';

/** Say one sentence on stderr, as this program's. The text may come from anybody: it is made safe here. */
export function say(sentence: string): void {
  process.stderr.write(`kvm-memtype: ${safeLine(sentence)}\n`);
}
