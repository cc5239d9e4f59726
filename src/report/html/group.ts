/** Things that are alike, and whose they are. */
export interface Group<T> {
  /** The first of them. */
  one: T;
  kernels: number[];
}

/** Put together what is alike on several kernels, so that it is told once; `key` says what counts. */
export function grouped<T>(
  all: readonly (readonly [kernel: number, one: T])[],
  key: (one: T) => unknown = (one) => one,
): Group<T>[] {
  const groups = new Map<string, Group<T>>();
  for (const [kernel, one] of all) {
    const text = JSON.stringify(key(one));
    const group = groups.get(text);
    if (group === undefined) groups.set(text, { one, kernels: [kernel] });
    else if (!group.kernels.includes(kernel)) group.kernels.push(kernel);
  }
  return [...groups.values()];
}
