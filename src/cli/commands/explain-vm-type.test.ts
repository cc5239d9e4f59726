import { describe, expect, it } from 'vitest';
import { explain, explainJson as json } from '../../../test/support/explain.js';

const brief = async (...args: string[]): Promise<string> => {
  const { type, ipat, effective, maxLevel } = await json(...args);
  return `${type}${ipat ? '+' : ''} ${effective} ${maxLevel}`;
};

const TD = ['--policy', '7.2', '--vm-type', 'tdx'];
/** A private stretch, a shared one, and a device. */
const SLOTS = [
  ...['--slot', 'own=0+1G,guest-memfd', '--slot', 'shared=1G+1G', '--slot', 'bar=0xe0000000+1M,pci-bar'],
];
/** A slot goes that is not the one touched. */
const GONE = [
  ...['--slot', 'a=0+1G', '--slot', 'b=1G+1G'],
  ...['touch=1G', 'delete=a', 'touch=1G'].flatMap((event) => ['--then', event]),
];
const outcomes = async (...args: string[]): Promise<string[]> =>
  (await json(...args)).events.map(({ outcome }: { outcome: string }) => outcome);

/** PAT entry 3 is UC. */
const UC = ['--pat-entry', '3'];

describe('explain --vm-type tdx', () => {
  it.each([
    ['a shared page: the guest PAT counts, without DMA too', ['--gpa', '1G'], 'WB UC 3'],
    ['a private page: WB by the module', ['--gpa', '0'], 'WB+ WB 1'],
    ['a device', ['--gpa', '0xe0000000'], 'UC UC 1'],
    ['a shared page and DMA', ['--gpa', '1G', '--noncoherent'], 'WB UC 3'],
    ['MTRRs have no effect', ['--gpa', '0', '--msr', '0x2ff=0x800'], 'WB+ WB 1'],
  ])('%s', async (_, args, expected) => {
    expect(await brief(...TD, ...SLOTS, ...UC, ...args)).toBe(expected);
  });

  it('says who maps a page, and compares the kernels that have TDX', async () => {
    expect(await explain(...TD, ...SLOTS, '--gpa', '0')).toMatch(
      /a TD's private page: the TDX module maps it/,
    );
    const page = await json(...TD, ...SLOTS, '--gpa', '1G');
    expect(page.policies.map(({ policy }: { policy: string }) => policy)).toEqual([
      ...['E', 'E+P5-device', 'E+P5-memslot', 'E+P5'],
    ]);
  });

  it('loses the leaves of a deleted slot alone, as kvm_arch_flush_shadow_memslot() asks for an ordinary VM', async () => {
    expect(await outcomes(...TD, ...GONE)).toEqual([
      ...['makes WB, IPAT 0', 'zaps 0x0-0x3fffffff', 'finds WB, IPAT 0'],
    ]);
  });

  it('may clear CR0.CD, which is clear', async () => {
    expect(await outcomes(...TD, ...SLOTS, '--then', 'cd=off')).toEqual(['zaps nothing']);
  });

  it('zaps nothing when a device comes', async () => {
    const events = ['touch=1G', 'touch=0', 'dma=on'].flatMap((e) => ['--then', e]);
    expect(await outcomes(...TD, ...SLOTS, ...events)).toEqual([
      ...['makes WB, IPAT 0', 'private: the TDX module maps it WB', 'zaps nothing'],
    ]);
  });

  it.each([
    [['--policy', '6.1'], /^kernels of policy A .* run no TDX guests; policies that do: E, E\+P5-device, /],
    [['--policy', '6.12'], /^kernels of policy E-6\.12 .* run no TDX guests/],
    [['--policy', 'npt'], /run no TDX guests/],
    [['--cd'], /^--cd: a TD cannot set CR0\.CD/],
    [['--then', 'cd=on'], /^--then cd=on: a TD cannot set CR0\.CD, which gives it a #VE/],
    [['--no-self-snoop'], /^--no-self-snoop: every CPU with TDX/],
    [['--l2'], /a TDX guest has no guests of its own$/],
    [['--linux', '7.2'], /RAM must be told by --slot$/],
    [['--linux', '6.1', '--slot', 'a=0+1G'], /6\.12 and later are$/],
  ])('refuses %j', async (args, message) => {
    await expect(explain('--vm-type', 'tdx', '--gpa', '0', ...args)).rejects.toThrow(message);
  });
});

describe('explain --vm-type snp', () => {
  const SNP = ['--policy', 'npt', '--vm-type', 'snp', '--gpa', '0'];

  it('honors the guest PAT, and CR0.CD whatever the quirk', async () => {
    expect(await brief(...SNP)).toBe('none WB 3');
    expect(await brief(...SNP, ...UC)).toBe('none UC 3');
    expect(await brief(...SNP, '--cd')).toBe('none UC 3');
    expect(await brief('--policy', 'npt', '--gpa', '0', '--cd')).toBe('none WB 3');
    await expect(brief(...SNP, '--policy', '7.2')).rejects.toThrow(/--policy is given twice/);
    await expect(brief('--policy', '7.2', '--vm-type', 'snp', '--gpa', '0')).rejects.toThrow(
      /run no SEV-SNP guests/,
    );
  });

  // Before 6.12 a slot that goes takes all leaves of any VM (aa8d1f48d353).
  it.each([
    ['npt', 'zaps 0x0-0x3fffffff', 'finds no type'],
    ['npt-D', 'zaps 0x0-0x3fffffff', 'finds no type'],
    ['npt-D-6.11', 'zaps every leaf', 'makes no type'],
  ])('a deleted slot on %s: %s', async (policy, ...expected) => {
    const seen = await outcomes('--policy', policy, '--vm-type', 'snp', ...GONE);
    expect(seen.slice(1)).toEqual(expected);
  });
});

describe('explain --linux in such a VM', () => {
  // kvm_init_platform(): WB, but UC from the end of low RAM to 4 GiB, whatever the MTRRs say.
  it.each([
    ['8G', 'ioremap-cache', 'WB'],
    ['0xe0000000', 'ioremap-cache', 'UC'],
    ['0xe0000000', 'ioremap-wc', 'WC'],
  ])('%s by %s is %s', async (gpa, mapping, pat) => {
    const slots = ['--slot', 'ram=0+3G', '--slot', 'shm=0xe0000000+16M', '--slot', 'high=8G+1G'];
    const args = [...TD, ...slots, '--linux', '7.2', '--mapping', mapping, '--gpa', gpa];
    expect((await json(...args)).effective).toBe(pat);
    expect((await json(...args, '--msr', '0x2ff=0x800')).effective).toBe(pat);
  });
});

describe('explain --l2', () => {
  const HALF = ['--policy', '6.1', '--noncoherent', '--mtrr', 'def=UC', '--mtrr', '0=WB@0+1M', '--gpa', '0'];

  it('has the type of the page of L1, and no bound by MTRRs', async () => {
    expect(await brief(...HALF)).toBe('WB WB 1');
    expect(await brief(...HALF, '--l2')).toBe('WB WB 3');
    expect(await brief('--policy', '7.2', '--l2', '--gpa', '0', ...UC)).toBe('WB+ WB 3');
    expect(await explain(...HALF, '--l2')).toMatch(/1\. an access of L2: .* is dropped\n/);
    await expect(explain('--policy', 'npt', '--gpa', '0', '--l2')).rejects.toThrow(/known under EPT alone/);
  });
});
