import { getSystemErrorMap } from 'node:util';

// libuv numbers system errors by their negated errno.
const ERRORS = getSystemErrorMap();

/** Symbolic name of a positive errno, such as `EINVAL`; `errno 999` if it has none. */
export function getSystemErrorName(errno: number): string {
  return ERRORS.get(-errno)?.[0] ?? `errno ${errno}`;
}

/** What a positive errno means, in words. */
export function getSystemErrorMessage(errno: number): string {
  return ERRORS.get(-errno)?.[1] ?? 'unknown error';
}
