/** Why something cannot be had here, and what would lift it: two sentences for people. */
export interface Missing {
  reason: string;
  lift: string;
}
