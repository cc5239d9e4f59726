import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { explainCommand } from './explain.js';

let out = '';
let folder = '';

beforeEach(() => {
  out = '';
  folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-explain-'));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

async function explain(...args: string[]): Promise<string> {
  const command = explainCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  await command.parseAsync(args, { from: 'user' });
  return out;
}

function stateFile(content: unknown): string {
  const path = join(folder, 'state.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const D1 = ['--mtrr', 'def=UC,e=1', '--mtrr', '0=WB@0+16M', '--mtrr', '1=UC@12M+4M', '--noncoherent'];

describe('explain', () => {
  it('tells D1: WB by era A, UC by the SDM, and the erratum', async () => {
    const text = await explain('--policy', '6.1', '--gpa', '0xc00000', ...D1, '--pat-entry', '0');
    expect(text).toMatch(/^gpa 0xc00000, policy A: /);
    expect(text).toMatch(/EPT +WB, IPAT 0\n/);
    expect(text).toMatch(/SDM +UC: not what this kernel gives\n/);
    expect(text).toMatch(
      /\n {2}3\. variable range 0 says WB, met after UC: WB\n {5}\(kvm_mtrr_get_guest_memory_type/,
    );
    expect(text).toMatch(/\nerratum D1 \(up to 6\.10\): UC loses/);
    expect(text).toMatch(/by the SDM, without KVM: MTRR type UC, effective UC/);
    expect(text).toMatch(/policies\n {2}WB, IPAT 0 +effective WB +A, /);
  });

  it('tells the same as data', async () => {
    const page = JSON.parse(await explain('--policy', '6.1', '--gpa', '12M', ...D1, '--format', 'json'));
    expect(page).toMatchObject({
      gpa: '0xc00000',
      policy: 'A',
      type: 'WB',
      ipat: false,
      effective: 'WB',
      errata: ['D1'],
    });
    expect(page.sdm).toMatchObject({ mtrr: 'UC', effective: 'UC' });
    expect(page.why.length).toBe(4);
    expect(page.policies.find(({ policy }: { policy: string }) => policy === 'npt')).toMatchObject({
      type: 'none',
      effective: 'WB',
    });
  });

  it('prints the map', async () => {
    const text = await explain(
      '--policy',
      '6.1',
      ...D1,
      '--map',
      '--mtrr',
      '2=WT@0xf000+4K',
      '--maxphyaddr',
      '36',
    );
    expect(text.split('\n')).toEqual([
      'start      end          size    EPT         effective  SDM',
      '0x0        0xefff       60K     WB, IPAT 0  WB         WB',
      '0xf000     0xffff       4K      WT, IPAT 0  WT         WT',
      '0x10000    0xbfffff     12224K  WB, IPAT 0  WB         WB',
      '0xc00000   0xffffff     4M      WB, IPAT 0  WB         UC *',
      '0x1000000  0xfffffffff  65520M  UC, IPAT 0  UC         UC',
      '',
      '* not what this kernel gives',
      '',
    ]);
  });

  it('prints the map as data, and no footnote where nothing differs', async () => {
    const map = JSON.parse(await explain('--policy', '7.2', '--map', '--format', 'json', '--no-mtrr-cpuid'));
    expect(map).toEqual([
      { start: '0x0', end: '0x10000000000', type: 'WB', ipat: true, effective: 'WB', arch: 'WB' },
    ]);
    out = '';
    expect(await explain('--map', '--no-mtrr-cpuid')).toBe(
      'start  end           size  EPT         effective  SDM\n0x0    0xffffffffff  1T    WB, IPAT 1  WB         WB\n',
    );
  });

  it('counts every flag', async () => {
    const brief = async (...args: string[]): Promise<string> => {
      out = '';
      const { type, ipat, effective } = JSON.parse(await explain('--gpa', '0', '--format', 'json', ...args));
      return `${type}${ipat ? '+' : ''} ${effective}`;
    };
    expect(await brief()).toBe('WB+ WB');
    expect(await brief('--mmio', '--pat-entry', '4', '--pat', '0x0000000100000000')).toBe('UC WC');
    expect(await brief('--disable-quirks', '0x200', '--pat-entry', '2')).toBe('WB UC');
    expect(await brief('--disable-quirks', '512', '--pat-entry', 'off', '--pat', '0')).toBe('WB WB');
    expect(await brief('--policy', '6.1', '--noncoherent', '--cd')).toBe('WB+ WB');
    expect(await brief('--policy', '6.1', '--noncoherent')).toBe('UC UC');
    expect(await brief('--policy', '6.1', '--noncoherent', '--no-mtrr-cpuid')).toBe('WB WB');
    expect(await brief('--policy', 'C')).toBe('WB WB');
    expect(await brief('--policy', 'C', '--no-self-snoop')).toBe('WB+ WB');
    expect(await brief('--policy', '7.2+P5-memslot', '--slot-flag')).toBe('WB WB');
    expect(
      await brief('--policy', '6.1', '--noncoherent', '--msr', '0x2ff=0x801', '--msr', '0x277=0x6'),
    ).toBe('WC WC');
  });

  it('reads a state, over which flags count more', async () => {
    const path = stateFile({
      policy: '6.1',
      gpa: '0xc00000',
      mtrr: { def: { type: 'UC' }, variable: [{ index: 0, type: 'WB', base: 0, size: '16M' }] },
      msrs: [
        { msr: '0x202', value: '0xc00000' },
        { msr: 515, value: '0xffffc00800' },
        { msr: '0x277', value: '0x0007040600070404' },
      ],
      noncoherent: true,
      disabledQuirks: '0x2',
    });
    const page = JSON.parse(await explain('--state', path, '--format', 'json'));
    expect(page).toMatchObject({ policy: 'A', type: 'WB', effective: 'WT', errata: ['D1'] });
    out = '';
    const other = JSON.parse(
      await explain(
        '--state',
        path,
        '--format',
        'json',
        '--gpa',
        '0',
        '--policy',
        '7.2',
        '--pat-entry',
        '1',
        '--cd',
      ),
    );
    expect(other).toMatchObject({ gpa: '0x0', policy: 'E', type: 'WB', effective: 'WT' });
  });

  it.each([
    [{ extra: 1 }, /the state: Unrecognized key/],
    [{ mtrr: { def: { type: 'XX' } } }, /mtrr\.def\.type: Invalid option/],
    [{ gpa: -1 }, /: gpa: /],
    [{ patEntry: 8 }, /: patEntry: /],
    [{ gpa: 'zz' }, /'zz' is not a number/],
    ['{', /cannot be read as JSON/],
  ])('refuses the state %j', async (content, message) => {
    await expect(explain('--state', stateFile(content))).rejects.toThrow(message);
  });

  it.each([
    [['--gpa', 'x'], /^--gpa 'x' is not a number/],
    [[], /^explain needs --gpa <address>, or --map/],
    [['--gpa', '1T'], /^--gpa 0x10000000000 lies above the guest's 40 address bits$/],
    [['--gpa', '0', '--policy', 'F'], /^no policy is called 'F'/],
    [['--gpa', '0', '--pat', '2'], /^the PAT cannot hold 0x2$/],
    [['--gpa', '0', '--msr', '0x277=3'], /^the PAT cannot hold 0x3$/],
    [['--gpa', '0', '--msr', '0x2ff=2'], /^writing 0x2 to MSR 0x2ff would fault$/],
    [['--gpa', '0', '--pat-entry', '8'], /a whole number from 0 to 7 is needed/],
    [['--gpa', '0', '--pat-entry', ''], /a whole number from 0 to 7 is needed/],
    [['--gpa', '0', '--maxphyaddr', '35'], /a whole number from 36 to 52 is needed/],
    [['--gpa', '0', '--disable-quirks', 'x'], /a mask from 0 to 0xffffffff/],
    [['--gpa', '0', '--state', '/no/such/file'], /there is no such file/],
  ])('refuses %j in one sentence', async (args, message) => {
    await expect(explain(...args)).rejects.toThrow(message);
    expect(out).toBe('');
  });
});
