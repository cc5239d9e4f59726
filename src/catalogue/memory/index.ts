import type { Scenario } from '../../scenario/types.js';
import { notifier } from './notifier.js';
import { preFaults } from './pre-fault.js';
import { slots } from './slots.js';

/** Memslots and the host's memory behind them. */
export const memory: readonly Scenario[] = [...notifier, ...slots, ...preFaults];
