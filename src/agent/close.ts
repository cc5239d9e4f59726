/**
 * Close every one of these, in order, also after one that cannot be closed.
 * @throws the first error, once all were tried
 */
export function closeAll(closers: readonly (() => void)[]): void {
  const errors: unknown[] = [];
  for (const close of closers) {
    try {
      close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
