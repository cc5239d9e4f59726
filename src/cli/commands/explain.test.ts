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

/** Type in the leaf (with + for IPAT) and type of the guest's access, of the page at 0. */
async function brief(...args: string[]): Promise<string> {
  out = '';
  const { type, ipat, effective } = JSON.parse(await explain('--gpa', '0', '--format', 'json', ...args));
  return `${type}${ipat ? '+' : ''} ${effective}`;
}

async function policyOf(name: string): Promise<string> {
  out = '';
  return JSON.parse(await explain('--gpa', '0', '--format', 'json', '--policy', name)).policy;
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
    expect(text).toMatch(/policies\n {2}WB, IPAT 0 +effective WB +A-4\.4, A, /);
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
    [[], /^explain needs --gpa <address>, --map for the whole map, --spte, --rdmsr or --then$/],
    [['--gpa', '1T'], /^--gpa 0x10000000000 lies above the guest's 40 address bits$/],
    [['--gpa', '0', '--policy', 'F'], /^no policy is called 'F'/],
    [
      ['--gpa', '0', '--pat', '2'],
      /^writing 0x2 to MSR 0x277 \(IA32_PAT\) would fault: byte 0 is 2, which is/,
    ],
    [['--gpa', '0', '--msr', '0x277=3'], /^writing 0x3 to MSR 0x277 \(IA32_PAT\) would fault: byte 0 is 3/],
    [
      ['--gpa', '0', '--msr', '0x2ff=2'],
      /^writing 0x2 to MSR 0x2ff \(.*\) would fault: byte 0 is 2, which is/,
    ],
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

describe('explain and the CPU', () => {
  it.each(['E', 'E-6.12', '6.17', '7.2', '6.12.107', '7.2+P5', '7.2+P5-device', '7.2+P5-memslot'])(
    'without self-snoop %s cannot disable IGNORE_GUEST_PAT: EINVAL, and the PAT stays ignored',
    async (policy) => {
      const cpu = ['--policy', policy, '--disable-quirks', '0x200', '--pat-entry', '3'];
      expect(await brief(...cpu)).toBe('WB UC');
      await expect(brief(...cpu, '--no-self-snoop')).rejects.toThrow(
        /^quirk 0x200 \(IGNORE_GUEST_PAT\): on a CPU without self-snoop .* take it off their list \(vmx_hardware_setup\(\)\) and answer EINVAL/,
      );
      const without = ['--policy', policy, '--pat-entry', '3', '--no-self-snoop'];
      expect(await brief(...without)).toBe('WB+ WB');
      expect(await brief(...without, '--noncoherent')).toBe('WB UC');
    },
  );

  it('says that it is the CPU which keeps the quirk', async () => {
    const text = await explain('--policy', '7.2', '--gpa', '0', '--no-self-snoop');
    expect(text).toMatch(/a CPU without self-snoop.*: WB, IPAT 1\n +\(vmx_hardware_setup\(\)/);
  });

  it.each(['npt', 'npt-A', 'npt-A-4.4'])(
    '%s leaves CR0.CD to the processor if its quirk is disabled',
    async (policy) => {
      const cd = ['--policy', policy, '--cd', '--pat', '0x0007040600070401'];
      expect(await brief(...cd)).toBe('none WC');
      expect(await brief(...cd, '--disable-quirks', '0x2')).toBe('none UC');
      expect(await brief('--policy', policy, '--disable-quirks', '0x2')).toBe('none WB');
      const text = await explain('--gpa', '0', ...cd, '--disable-quirks', '0x2');
      expect(text).toMatch(/CR0\.CD=1 .*: UC\n +\(svm_set_cr0\(\)/);
    },
  );

  it('says where CR0.CD counts without EPT', async () => {
    const text = await explain('--gpa', '0', '--policy', 'none-A', '--cd', '--disable-quirks', '0x2');
    expect(text).toMatch(/kvm_amd leaves CR0\.CD=1 to the processor.*UC there\n +\(svm_set_cr0\(\)/);
  });
});

describe('explain refuses what the kernel refuses', () => {
  it.each(['A', '6.1', '5.10', 'B', 'C', 'D', '6.11', '6.12.50', '6.14.3', 'none'])(
    'to disable IGNORE_GUEST_PAT on %s',
    async (policy) => {
      await expect(explain('--gpa', '0', '--policy', policy, '--disable-quirks', '0x200')).rejects.toThrow(
        /^quirk 0x200 \(IGNORE_GUEST_PAT\): kernels of policy .* EINVAL; policies that take it: E-6\.12, E, /,
      );
      await expect(
        explain('--map', '--state', stateFile({ policy, disabledQuirks: '0x202' })),
      ).rejects.toThrow(/^quirk 0x200 \(IGNORE_GUEST_PAT\): /);
      expect(out).toBe('');
    },
  );

  it('the memslot flag of a proposal that it does not have', async () => {
    await expect(explain('--gpa', '0', '--policy', '7.2', '--slot-flag')).rejects.toThrow(
      /^the memslot flag of proposal P5: kernels of policy E .* EINVAL; .* E\+P5-memslot/,
    );
  });

  it('and tells which of the other policies would', async () => {
    const text = await explain('--gpa', '0', '--disable-quirks', '0x200');
    expect(text).toMatch(/\nnot taken by every kernel\n.*0x200 \(IGNORE_GUEST_PAT\).*: A-4\.4, A, /);
    out = '';
    const page = JSON.parse(await explain('--gpa', '0', '--disable-quirks', '0x200', '--format', 'json'));
    const refuses = (name: string) =>
      page.policies.find((p: { policy: string }) => p.policy === name).refuses;
    expect([refuses('E'), refuses('A').length]).toEqual([[], 1]);
  });
});

describe('explain and kernels before 6.0', () => {
  it.each(['4.2', '4.2.8', '4.3.6', '3.10.0-1160.el7.x86_64'])('has no policy for %s', async (version) => {
    for (const rest of [['--mmio'], ['--no-mtrr-cpuid', '--noncoherent']]) {
      await expect(explain('--gpa', '0', '--policy', version, ...rest)).rejects.toThrow(
        /older than 4\.4, where the oldest policy \(A-4\.4\) starts/,
      );
    }
  });

  it.each(['4.4', '4.19', '5.10.223', '5.15.0-91-generic'])('has one for %s', async (version) => {
    expect(await policyOf(version)).toBe('A-4.4');
    expect(await brief('--policy', version, '--mmio')).toBe('UC UC');
    expect(await brief('--policy', version, '--no-mtrr-cpuid', '--noncoherent')).toBe('WB WB');
  });

  const HALF = ['--gpa', '0', '--mtrr', 'def=UC,e=1', '--mtrr', '0=WB@0+1M', '--format', 'json'];
  it.each([
    ['5.10', [], 1],
    ['5.19', ['--noncoherent'], 1],
    ['npt-A-4.4', [], 1],
    ['6.0', [], 3],
    ['6.1', ['--noncoherent'], 1],
    ['npt-A', [], 3],
    ['7.2', ['--noncoherent'], 3],
  ])('%s %j: the MTRRs allow leaves of level %i', async (policy, rest, maxLevel) => {
    expect(JSON.parse(await explain(...HALF, '--policy', policy, ...rest))).toMatchObject({ maxLevel });
  });

  it('tells the bound', async () => {
    const text = await explain(
      '--policy',
      '5.10',
      '--gpa',
      '0',
      '--mtrr',
      'def=UC,e=1',
      '--mtrr',
      '0=WB@0+1M',
    );
    expect(text).toMatch(/largest leaf +4K\n/);
  });
});

describe('explain where the SDM leaves an overlap of MTRRs undefined', () => {
  const OVERLAP = ['--mtrr', 'def=UC,e=1', '--mtrr', '0=WB@0+16M', '--mtrr', '1=WC@0+1M', '--noncoherent'];
  const sdm = async (...args: string[]): Promise<string | undefined> => {
    out = '';
    return /\n {2}SDM +(.*)\n/.exec(await explain('--policy', '6.1', ...OVERLAP, ...args))?.[1];
  };

  it('PAT UC and WC decide alone', async () => {
    expect(await sdm('--gpa', '0', '--pat-entry', '3')).toBe('UC');
    expect(await sdm('--gpa', '0', '--pat', '0x0007040600070401')).toBe('WC');
  });

  it('others do not, and no type that a kernel gives is wrong', async () => {
    expect(await sdm('--gpa', '0')).toBe('undefined: it promises no type here');
    out = '';
    const map = await explain('--policy', '6.1', ...OVERLAP, '--map', '--pat-entry', '3');
    expect(map).not.toContain('*');
    out = '';
    const undefinedMap = await explain('--policy', '6.1', ...OVERLAP, '--map');
    expect(undefinedMap).toContain('undefined');
    expect(undefinedMap).not.toContain('*');
  });
});

describe('explain reads kernel versions', () => {
  it.each([
    ['6.1.0-28-amd64', 'A'],
    ['5.15.0-91-generic', 'A-4.4'],
    ['6.18.44-fc-v782', 'E'],
    ['v6.6', 'A-6.5'],
    ['6.12.85+deb13-amd64', 'E-6.12'],
    ['6.14.3', 'D-6.13'],
  ])('%s is %s', async (version, policy) => {
    expect(await policyOf(version)).toBe(policy);
  });

  it('and says what it assumes where the version does not tell', async () => {
    const text = await explain('--gpa', '0', '--policy', '6.12.0-30-amd64');
    expect(text).toMatch(
      /\nassumed: '6\.12\.0-30-amd64' does not tell which 6\.12\.y .* E-6\.12 .* policy D/,
    );
    out = '';
    const page = JSON.parse(await explain('--gpa', '0', '--policy', '6.12.0-30-amd64', '--format', 'json'));
    expect(page.assumed).toMatch(/which 6\.12\.y/);
    out = '';
    expect(await explain('--gpa', '0', '--policy', '6.1.0-28-amd64')).not.toContain('assumed');
  });
});

describe('explain tells why a write would fault', () => {
  it.each([
    [
      ['--msr', '0x200=0x10000000006'],
      /PHYSBASE0\) would fault: bit 40 lies .* MAXPHYADDR, 40; --maxphyaddr 41 /,
    ],
    [['--msr', '0x201=0xfffff00000800'], /PHYSMASK0\) would fault: bits 40-51 lie .*; --maxphyaddr 52 /],
    // A mask of 52 bits in a guest with 46 (from a public report).
    [
      ['--maxphyaddr', '46', '--msr', '0x201=0x000fffff80000800'],
      /would fault: bits 46-51 lie at or above .*MAXPHYADDR, 46; --maxphyaddr 52 /,
    ],
    [['--msr', '0x201=0xfff00000fffff800'], /would fault: bits 52-63 lie at or above .*MAXPHYADDR, 40$/],
    [['--mtrr', '0=WB@1T+1M'], /would fault: bit 40 lies .*; --maxphyaddr 41 /],
    [['--msr', '0x200=0x706'], /would fault: bits 8-10 are reserved$/],
    [['--msr', '0x2ff=0x1006'], /DEF_TYPE\) would fault: bit 12 is reserved$/],
    [
      ['--msr', '0x250=0x0200000000000000'],
      /FIX64K_00000\) would fault: byte 7 is 2, which is no memory type/,
    ],
    [['--msr', '0xfe=0x508'], /MTRRCAP\) would fault: it is read-only$/],
    [['--msr', '0x210=6'], /^writing 0x6 to MSR 0x210 would fault: VCNT in MTRRcap is 8: .*0x200 to 0x20f$/],
    [['--msr', '0x251=0'], /^writing 0x0 to MSR 0x251 would fault: no MTRR has this number$/],
    [['--msr', '0x10=0'], /^writing 0x0 to MSR 0x10 .*no MTRR and not the PAT$/],
  ])('%j', async (args, message) => {
    await expect(explain('--gpa', '0', ...args)).rejects.toThrow(message);
  });
});

describe('explain ignores nothing by halves', () => {
  it.each([
    [['--gpa', '0', '--gpa', '4K'], /^--gpa is given twice/],
    [['--gpa', '0', '--policy', 'A', '--policy', 'E'], /^--policy is given twice/],
    [['--gpa', '0', '--pat', '6', '--pat', '0'], /^--pat is given twice/],
    [['--gpa', '0', '--format', 'json', '--format', 'pretty'], /^--format is given twice/],
    [['--gpa', '0', '--map'], /^--gpa and --map ask for two things: one page, or the whole map$/],
    [['--map', '--spte', '0'], /^--map and --spte ask for two things/],
    [['--rdmsr', '0xfe', '--spte', '0'], /^--spte and --rdmsr ask for two things/],
    [['--gpa', '0', '--level', '2'], /^--level is the level of an entry: it needs --spte$/],
    [['--gpa', '0', '--mtrr', 'def=UC', '--mtrr', 'def=WB'], /^--mtrr def is given twice/],
    [
      ['--gpa', '0', '--mtrr', 'def=UC', '--mtrr', 'fix=WB@0+64K'],
      /^--mtrr fix=… has no effect: fixed ranges are off; --mtrr def=UC,fe=1 turns them on$/,
    ],
    [['--gpa', '0', '--mtrr', '1=UC@0+4K', '--mtrr', '1=WB@0+4K'], /^--mtrr 1 is given twice/],
  ])('%j', async (args, message) => {
    await expect(explain(...args)).rejects.toThrow(message);
    expect(out).toBe('');
  });

  it('takes the variable ranges of both file and flags', async () => {
    const mtrr = {
      def: { type: 'UC' },
      variable: [
        { index: 0, type: 'WB', base: 0, size: '16M' },
        { index: 1, type: 'WT', base: 0, size: '16M' },
      ],
    };
    const path = stateFile({ policy: '6.1', gpa: 0, noncoherent: true, mtrr });
    const at = async (...args: string[]): Promise<string> => {
      out = '';
      return JSON.parse(await explain('--state', path, '--format', 'json', ...args)).type;
    };
    expect([await at(), await at('--mtrr', '1=WP@1M+1M'), await at('--mtrr', '2=UC@0+1M')]).toEqual([
      'WT',
      'WB',
      'UC',
    ]);
  });
});

describe('explain takes quirks and MSRs by name', () => {
  it('as by number', async () => {
    for (const quirks of ['0x200', 'ignore-guest-pat', 'IGNORE_GUEST_PAT', 'KVM_X86_QUIRK_IGNORE_GUEST_PAT'])
      expect(await brief('--pat-entry', '3', '--disable-quirks', quirks)).toBe('WB UC');
    expect(await brief('--pat-entry', '3', '--disable-quirks', 'cd-nw-cleared,ignore-guest-pat')).toBe(
      'WB UC',
    );
    const state = stateFile({ patEntry: 3, disabledQuirks: 'ignore-guest-pat' });
    expect(await brief('--state', state)).toBe('WB UC');
    const uc = ['--policy', '6.1', '--noncoherent'];
    expect(await brief(...uc, '--msr', 'IA32_MTRR_DEF_TYPE=0x806')).toBe('WB WB');
    expect(await brief(...uc, '--msr', 'mtrr_def_type=0x804')).toBe('WT WT');
  });

  it('and names them where one is wrong', async () => {
    const wrong = /mask from 0 to 0xffffffff is needed, or names out of .*cd-nw-cleared, .*ignore-guest-pat/;
    await expect(brief('--disable-quirks', 'honor-guest-pat')).rejects.toThrow(wrong);
    await expect(brief('--state', stateFile({ disabledQuirks: 'x' }))).rejects.toThrow(wrong);
    await expect(brief('--msr', '0x100000000=0')).rejects.toThrow(/is no MSR: they have 32 bits/);
  });
});

describe('explain --rdmsr', () => {
  it.each([
    ['0x210', /^RDMSR of MSR 0x210 faults with #GP\(0\): VCNT in MTRRcap is 8: .*, 0x200 to 0x20f\n$/],
    ['0x26f', /^RDMSR of MSR 0x26f \(IA32_MTRR_FIX4K_F8000\) gives 0x0\n$/],
    ['0x267', /faults with #GP\(0\): no MTRR has this number/],
    ['0xfe', /gives 0x508: 8 pairs/],
    ['PAT', /\(IA32_PAT\) gives 0x7040600070406\n$/],
    ['MTRR_DEF_TYPE', /gives 0xc06\n$/],
  ])('%s', async (msr, answer) => {
    expect(await explain('--rdmsr', msr, '--msr', '0x2ff=0xc06')).toMatch(answer);
  });

  it('as data, and only for MSRs of memory types', async () => {
    expect(JSON.parse(await explain('--rdmsr', '0x210', '--format', 'json'))).toMatchObject({
      msr: '0x210',
      fault: '#GP(0)',
      value: null,
    });
    await expect(explain('--rdmsr', '0x10')).rejects.toThrow(/^MSR 0x10 has no bearing on memory types/);
  });
});

describe('explain --spte', () => {
  it('tells an EPT misconfiguration, and what each series of kernels reads', async () => {
    const text = await explain('--spte', '0x1000005d48fc76');
    expect(text).toMatch(/frame +0x5d48f: host-physical 0x5d48f000\n/);
    expect(text).toMatch(/permissions +R=0 W=1 X=1\n/);
    expect(text).toMatch(/type +WB, IPAT 1\n/);
    expect(text).toMatch(/processor +EPT misconfiguration: W=1 without R=1 \(SDM, "EPT Misconfigurations"\)/);
    expect(text).toMatch(/ 5\.10 +leaf; host-writable \(bit 10\); MMU-writable \(bit 11\); A\/D bits off/);
    expect(text).toMatch(
      / 6\.1 +leaf; MMU-present \(bit 11\); A\/D bits off \(bit 52\); no meaning: bit 10\n/,
    );
    expect(text).toMatch(/\nNo policy makes such a leaf/);
  });

  it('holds an entry against a page', async () => {
    const leaf = ['--spte', '0x8600000012345877'];
    expect(await explain(...leaf, '--gpa', '0')).toMatch(
      /Policy E makes WB, IPAT 1 of gpa 0x0: the same\.\n$/,
    );
    out = '';
    expect(await explain(...leaf, '--gpa', '0', '--noncoherent')).toMatch(
      /WB, IPAT 0 of .*: not this entry\.\n$/,
    );
    out = '';
    expect(JSON.parse(await explain(...leaf, '--gpa', '0', '--format', 'json'))).toMatchObject({
      frame: '0x12345',
      type: 'WB',
      ipat: true,
      misconfigured: [],
      page: { policy: 'E', type: 'WB', ipat: true },
    });
  });
});
