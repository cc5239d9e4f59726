import type { Scenario } from '../scenario/types.js';
import { cr0cd } from './cd.js';
import { dirty } from './dirty.js';
import { dma } from './dma.js';
import { kernel } from './kernel.js';
import { memslotFlag } from './memslot.js';
import { mmio } from './mmio.js';
import { msr } from './msr.js';
import { mtrr } from './mtrr.js';
import { mtrrLive } from './mtrr-live.js';
import { nested } from './nested.js';
import { pat } from './pat.js';
import { ram } from './ram.js';
import { size } from './size.js';
import { space } from './space.js';
import { vcpus } from './vcpus.js';
import { virtioDevice } from './virtio.js';

/** Every scenario that ships with the program; the first ones tell the kernels apart. */
export const catalogue: readonly Scenario[] = [
  ...dma,
  ...ram,
  ...size,
  ...space,
  ...dirty,
  ...mtrr,
  ...mtrrLive,
  ...cr0cd,
  ...pat,
  ...msr,
  ...mmio,
  ...vcpus,
  ...nested,
  ...virtioDevice,
  ...memslotFlag,
  ...kernel,
];
