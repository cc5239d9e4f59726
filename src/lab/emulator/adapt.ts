/** A change of a text: what is found, and what stands there instead. */
type Change = readonly [found: RegExp, instead: string];

/** What Debian's build is configured with and ours is not: a window, a debugger, several processors, sound, and two devices nobody uses. */
const SETTINGS: readonly Change[] = [
  [/^display_library: .*$/gm, 'display_library: nogui'],
  [/^(?:print_timestamps|debugger_log|magic_break|sound): .*\n/gm, ''],
  [/\b(?:iodebug|gameport)=true, /g, ''],
  [/\bcount=1:1:1, /g, 'count=1, '],
  [/\bquantum=\d+, /g, ''],
];

/** The debugger's own note of the processor. */
const PROCESSOR: readonly Change[] = [[/^ *in_repeat = .*\n/gm, '']];

const changed = (text: string, changes: readonly Change[]): string =>
  changes.reduce((so, [found, instead]) => so.replace(found, instead), text);

/** Files of a machine that Debian's Bochs has saved, and what becomes of each so that the built one restores it. */
export const adapted: Readonly<Record<'config' | 'cpu0', (text: string) => string>> = {
  config: (text) => changed(text, SETTINGS),
  cpu0: (text) => changed(text, PROCESSOR),
};
