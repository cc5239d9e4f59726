const NOBODY = 65534;

/** Do something as a user who may nothing; where root runs the tests, root is itself again afterwards. */
export function asNobody<T>(act: () => T): T {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return act();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
