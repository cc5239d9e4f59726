import { native } from './native.js';

/**
 * Have a thread run only when nothing else wants its processor (SCHED_IDLE, sched(7)), or as usual again.
 * @param thread its number, as in /proc/self/task
 * @returns false where it is gone, or that is not allowed
 */
export const scheduleIdle = (thread: number, isIdle: boolean): boolean =>
  native().scheduleIdle(thread, isIdle);
