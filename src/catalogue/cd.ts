import { MT } from '../arch/memory-types.js';
import {
  cd,
  disableQuirk,
  init,
  mib,
  mtrrs,
  noncoherent,
  scenario,
  touch,
  touchMany,
} from '../scenario/builder.js';

const needs = ['ept-leaves', 'noncoherent'] as const;
const quirkOff = [...needs, 'quirk-cd-nw-cleared'] as const;

/** Guest CR0.CD, with KVM_X86_QUIRK_CD_NW_CLEARED on (the default) and disabled. */
export const cr0cd = [
  scenario('cd/quirk-on', 'With the quirk CR0.CD does not make memory uncached', { needs }, [
    noncoherent(true),
    mtrrs({ def: MT.WT }),
    touch(mib(4), { claims: { A: 'WT', B: 'WT', D: 'WB', E: 'WB' } }),
    cd(true),
    touch(mib(4)),
    touch(mib(5), { claims: { A: 'WB+IPAT', B: 'WB', D: 'WB', E: 'WB' } }),
    cd(false),
    touch(mib(6), { claims: { A: 'WT', B: 'WT', D: 'WB', E: 'WB' } }),
  ]),
  scenario(
    'cd/quirk-off',
    'Without the quirk CR0.CD makes memory uncached in eras A and B',
    { needs: quirkOff },
    [
      disableQuirk('cd-nw-cleared'),
      noncoherent(true),
      mtrrs({ def: MT.WB }),
      touch(mib(4), { claims: { A: 'WB', B: 'WB', D: 'WB', E: 'WB' } }),
      cd(true),
      touch(mib(4), { claims: { A: 'UC+IPAT', B: 'UC+IPAT', D: 'WB', E: 'WB' } }),
      touch(mib(5), { claims: { A: 'UC+IPAT', B: 'UC+IPAT', D: 'WB', E: 'WB' } }),
      cd(false),
      touch(mib(4), { claims: { A: 'WB', B: 'WB', D: 'WB', E: 'WB' } }),
      touch(mib(5)),
    ],
  ),
  scenario(
    'cd/no-dma',
    'CR0.CD changes nothing while no DMA is non-coherent',
    { needs: ['ept-leaves', 'quirk-cd-nw-cleared'] },
    [
      disableQuirk('cd-nw-cleared'),
      touch(mib(4)),
      cd(true),
      touch(mib(4)),
      touch(mib(5), { claims: { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' } }),
      cd(false),
      touch(mib(6)),
    ],
  ),
  scenario(
    'cd/nw',
    'CR0.NW goes with CD alone, reads back, stays at an INIT, and neither makes memory uncached nor zaps',
    { needs: quirkOff },
    [
      disableQuirk('cd-nw-cleared'),
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      touch(mib(4)),
      // Refused: CD stays clear.
      cd(false, { nw: true }),
      touch(mib(4)),
      cd(true),
      touch(mib(4)),
      cd(true, { nw: true }),
      touch(mib(4)),
      touch(mib(5), { claims: { A: 'UC+IPAT', B: 'UC+IPAT', D: 'WB', E: 'WB' } }),
      init(0, { sipi: 0x42 }),
      touch(mib(5)),
      cd(true),
      touch(mib(5)),
      cd(true, { by: 'host', nw: true }),
      init(),
      cd(false),
      touch(mib(5)),
    ],
  ),
  scenario(
    'cd/s2-stale-reset',
    'A page first touched with CR0.CD=1, as after reset, keeps its type (stale case s2)',
    {
      needs,
      startCd: true,
    },
    [
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      touch(mib(4), { claims: { A: 'WB+IPAT', B: 'WB', D: 'WB', E: 'WB' } }),
      cd(false),
      touch(mib(4)),
      touch(mib(5), { claims: { A: 'WT', B: 'WT', D: 'WB', E: 'WB' } }),
    ],
  ),
  scenario(
    'cd/s7-by-sregs',
    'KVM_SET_SREGS changes CR0.CD without a zap (stale case s7)',
    { needs: quirkOff },
    [
      disableQuirk('cd-nw-cleared'),
      noncoherent(true),
      mtrrs({ def: MT.WB }),
      touchMany(mib(4), 2),
      cd(true, { by: 'host' }),
      touchMany(mib(4), 2),
      touch(mib(5), { claims: { A: 'UC+IPAT', B: 'UC+IPAT', D: 'WB', E: 'WB' } }),
      cd(false, { by: 'host' }),
      touch(mib(5)),
    ],
  ),
];
