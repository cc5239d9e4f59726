/** A machine cannot be saved or restored; it is booted then. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly code = 'SNAPSHOT';
}
