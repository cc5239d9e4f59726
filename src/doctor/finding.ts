import type { Missing } from '../text/missing.js';

/** One thing that was looked at. */
export interface Finding {
  /** For programs; stable. */
  id: string;
  title: string;
  ok: boolean;
  /** What there is, where it is there. */
  says?: string;
  /** Why it is not there, where it is not. */
  reason?: string;
  /** What would bring it. */
  lift?: string;
}

/** What is there, or why it is not. */
export const finding = (
  id: string,
  title: string,
  missing: Missing | undefined,
  says?: string | undefined,
): Finding => ({
  id,
  title,
  ok: missing === undefined,
  ...(missing === undefined ? says !== undefined && { says } : missing),
});
