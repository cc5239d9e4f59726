import type { Scenario } from '../scenario/types.js';
import { cr0cd } from './cd.js';
import { dirty } from './dirty.js';
import { dma } from './dma.js';
import { gib } from './gib.js';
import { kernel } from './kernel.js';
import { memory } from './memory/index.js';
import { mmio } from './mmio.js';
import { nested } from './nested.js';
import { pairs } from './pairs/index.js';
import { memslotFlag } from './proposals/memslot.js';
import { virtioDevice } from './proposals/virtio.js';
import { quirk } from './quirk.js';
import { race } from './race.js';
import { ram } from './ram.js';
import { msrAnytime } from './registers/anytime.js';
import { msrFilters } from './registers/filters.js';
import { msr } from './registers/msr.js';
import { mtrr } from './registers/mtrr.js';
import { mtrrLive } from './registers/mtrr-live.js';
import { msrNumbers } from './registers/numbers.js';
import { pat } from './registers/pat.js';
import { msrRestore } from './registers/restore.js';
import { msrStates } from './registers/states.js';
import { msrValidity } from './registers/validity.js';
import { size } from './size.js';
import { space } from './space.js';
import { vcpus } from './vcpus.js';

/** Every scenario that ships with the program; the first ones tell the kernels apart. */
export const catalogue: readonly Scenario[] = [
  ...dma,
  ...quirk,
  ...ram,
  ...size,
  ...gib,
  ...space,
  ...dirty,
  ...memory,
  ...mtrr,
  ...mtrrLive,
  ...cr0cd,
  ...pat,
  ...msr,
  ...msrNumbers,
  ...msrValidity,
  ...msrFilters,
  ...msrStates,
  ...msrRestore,
  ...msrAnytime,
  ...mmio,
  ...vcpus,
  ...race,
  ...nested,
  ...virtioDevice,
  ...memslotFlag,
  ...kernel,
  ...pairs,
];
