import type { MsrRoutes } from '../../scenario/msr-routes.js';
import type { NestedMappings } from '../../scenario/nested.js';
import type { Step } from '../../scenario/types.js';
import type { Plan, PlannedStep } from '../plan.js';
import type { Attachments } from './attachments.js';
import type { Uses } from './uses.js';

/** What is known of a step while its lines are written. */
export interface Writing {
  readonly plan: Plan;
  readonly uses: Uses;
  readonly routes: MsrRoutes;
  readonly nested: NestedMappings;
  readonly attachments: Attachments;
  /** Tables that stand before the functions that use them. */
  readonly tables: string[];
  /** No MSR access of the guest is refused: what becomes of it need not be said. */
  readonly isPlain: boolean;
  /** Number of the step, from 1. */
  at: number;
}

/** A planned step of one kind. */
export type Of<K extends Step['do']> = PlannedStep & { step: Extract<Step, { do: K }> };

/** The errno that an ioctl of a step must fail with, or 0. */
export function errnoOf({ step, taken, effect }: PlannedStep): string {
  if ('result' in step && step.result !== undefined) return step.result === 'ok' ? '0' : step.result;
  const result = effect === undefined ? (taken.result ?? 'ok') : (effect.refused ?? 'ok');
  return result === 'ok' ? '0' : result;
}
