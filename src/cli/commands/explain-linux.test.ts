import { describe, expect, it } from 'vitest';
import { explain, explainJson as json } from '../../../test/support/explain.js';

describe('explain --linux', () => {
  // A VMM leaves IA32_MTRR_DEF_TYPE at 0, and has a virtio-pmem device above RAM (from a public report).
  const PMEM = ['--slot', 'ram=0+4G', '--slot', 'pmem=8G+1G,dax'];
  const of = async (defType: string, ...args: string[]): Promise<string> =>
    (await json('--gpa', '8G', '--linux', '6.1', '--msr', `0x2ff=${defType}`, ...PMEM, ...args)).effective;

  it.each([
    ['Intel, no DMA: IPAT 1', ['--policy', '6.1'], '0x0', 'WB'],
    ['Intel, no DMA, 7.2', ['--policy', '7.2'], '0x0', 'WB'],
    ['AMD: the guest PAT counts', ['--policy', 'npt'], '0x0', 'UC'],
    ['Intel with DMA, 7.2', ['--policy', '7.2', '--noncoherent'], '0x0', 'UC'],
    ['AMD with MTRRs on', ['--policy', 'npt'], '0x806', 'WB'],
    ['Intel with DMA, 7.2, and MTRRs on', ['--policy', '7.2', '--noncoherent'], '0x806', 'WB'],
    ['Intel with DMA, 6.1, and MTRRs on', ['--policy', '6.1', '--noncoherent'], '0x806', 'WB'],
  ])('%s', async (_, args, defType, effective) => {
    expect(await of(defType, ...args)).toBe(effective);
  });

  it('ends at the register that decides', async () => {
    const text = await explain(
      '--policy',
      'npt',
      '--gpa',
      '8G',
      '--linux',
      '6.1',
      '--msr',
      '0x2ff=0',
      ...PMEM,
    );
    expect(text).toMatch(/PAT +UC- \(entry 2\)\n/);
    expect(text).toMatch(/1\. Linux 6\.1 does not write the PAT, as the MTRRs are off/);
    expect(text).toMatch(
      /2\. persistent memory asks for WB\n.*\n +3\. the MTRRs are off: a wish for WB becomes UC-\n/,
    );
  });

  it('maps each slot by what is behind it, or as told', async () => {
    const slots = [...PMEM, '--slot', 'bar=0xf0000000+16M,pci-bar'];
    const effective = async (...args: string[]) =>
      (await json('--policy', '7.2', '--noncoherent', '--linux', '7.2', '--map', ...slots.slice(2), ...args))
        .filter(({ slot }: { slot: string | null }) => slot !== null)
        .map((piece: { slot: string; effective: string }) => `${piece.slot} ${piece.effective}`);
    expect(await effective()).toEqual(['bar UC', 'pmem UC']);
    expect(await effective('--msr', '0x2ff=0x806')).toEqual(['bar UC', 'pmem WB']);
    expect(await effective('--msr', '0x2ff=0x806', '--mapping', 'ioremap-wc')).toEqual(['bar WC', 'pmem WC']);
  });

  it.each([
    [
      ['--linux', '5.15'],
      /^what Linux '5\.15' makes of MTRRs and PAT is not known here: there are 5\.10, 6\.1, /,
    ],
    [['--mapped-before', 'pmem'], /^--mapped-before is of memory that Linux maps by --mapping/],
    [['--linux', '6.1', '--mapping', 'ram', '--mapped-before', 'pmem'], /and is not for RAM$/],
    [
      ['--linux', '6.1', '--msr', '0x2ff=0x806', '--mapping', 'ioremap', '--mapped-before', 'pmem'],
      /^Linux refuses the mapping: it is mapped WB already, .*, and a wish for UC- takes no WB$/,
    ],
    [['--mapping', 'pmem'], /^--mapping is how Linux maps the page: it needs --linux <version>$/],
    [['--linux', '6.1', '--pat-entry', '0'], /^--linux and --pat-entry tell the same/],
    [['--linux', '6.1', '--mapping', 'x'], /Allowed choices are ram, pmem/],
  ])('refuses %j', async (args, message) => {
    await expect(explain('--gpa', '0', ...args)).rejects.toThrow(message);
  });
});
