/** Why something cannot be had here, and what would lift it. */
export interface Missing {
  reason: string;
  lift: string;
}
