import { MT } from '../arch/memory-types.js';
import { cd, mib, mtrrs, noncoherent, scenario, touch } from '../scenario/builder.js';

const BAR = 0xe000_0000n;
const UC = { A: 'UC', B: 'UC', D: 'UC', E: 'UC' };

/** Host MMIO as guest memory: a PCI BAR behind a memslot. */
export const mmio = [
  scenario(
    'mmio/pci-bar',
    'A PCI BAR as a memslot is uncached without IPAT',
    { needs: ['ept-leaves', 'pci-bar'] },
    [
      { do: 'memslot', slot: 2, gpa: BAR, pages: 4, backing: 'pci-bar' },
      touch(BAR, { claims: UC }),
      touch(BAR + 0x1000n, { claims: UC }),
      touch(mib(4)),
    ],
  ),
  scenario(
    'mmio/pci-bar-noncoherent',
    'Neither MTRRs nor CR0.CD change a PCI BAR’s type',
    {
      needs: ['ept-leaves', 'pci-bar', 'noncoherent'],
    },
    [
      { do: 'memslot', slot: 2, gpa: BAR, pages: 4, backing: 'pci-bar' },
      noncoherent(true),
      mtrrs({ def: MT.WB }),
      touch(BAR, { claims: UC }),
      cd(true),
      touch(BAR + 0x1000n, { claims: UC }),
    ],
  ),
];
