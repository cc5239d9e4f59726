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

/**
 * Whether asNobody() works: Node refuses to change its user where libuv might use io_uring (CVE-2024-22017), as in Debian 13's
 * build. Tests that need it are defined only where it does; CI runs them on the other releases.
 */
export const CAN_BE_NOBODY = ((): boolean => {
  try {
    asNobody(() => {});
    return true;
  } catch {
    return false;
  }
})();
