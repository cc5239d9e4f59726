/** The guest's mailbox does not hold what a probe guest writes. */
export class ProbeProtocolError extends Error {
  readonly code = 'PROBE_PROTOCOL';
  override readonly name = 'ProbeProtocolError';
}

/** The probe's image is missing or unusable, or the machine cannot hold it. */
export class ProbeBootError extends Error {
  readonly code = 'PROBE_BOOT';
  override readonly name = 'ProbeBootError';
}
