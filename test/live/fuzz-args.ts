import fc from 'fast-check';

// Arguments for native functions: nonsense of every JavaScript type, and values that come near to being right.

const STRUCT_SIZES = [
  0, 1, 4, 8, 16, 24, 32, 48, 64, 72, 104, 112, 128, 144, 312, 392, 416, 520, 1024, 4096, 8192,
];

const numbers = fc.oneof(
  fc.nat(64),
  fc.constantFrom(
    0,
    -0,
    0.5,
    -1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53,
    1e300,
    Number.NaN,
    Infinity,
  ),
  fc.constantFrom(4096, 8192, 0x10000, 1 << 21),
  fc.double(),
);

const bigints = fc.oneof(
  fc.constantFrom(
    0n,
    1n,
    4096n,
    0x10000n,
    1n << 32n,
    1n << 52n,
    (1n << 63n) - 1n,
    (1n << 64n) - 1n,
    1n << 64n,
    -1n,
  ),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);

/** Bytes that start with a small count, as many structs do, or are noise or zero. */
const bytes = fc
  .tuple(fc.constantFrom(...STRUCT_SIZES), fc.constantFrom('zero', 'noise', 'count'), fc.nat(1 << 20))
  .map(([size, kind, seed]) => {
    const array = new Uint8Array(size);
    if (kind === 'noise')
      array.forEach((_, i) => {
        array[i] = (seed * (i + 1) * 2654435761) >>> 13;
      });
    if (kind === 'count' && size > 0) array[0] = seed & 31;
    return array;
  });

function detached(): Uint8Array {
  const array = new Uint8Array(64);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

const hostile = new Proxy(
  {},
  {
    get() {
      throw new TypeError('hostile');
    },
    getPrototypeOf() {
      throw new TypeError('hostile');
    },
  },
);

const oddities = fc.constantFrom<unknown>(
  undefined,
  null,
  Symbol('s'),
  () => 0,
  class {},
  hostile,
  detached(),
  new Uint8Array(new SharedArrayBuffer(4096)),
  new Uint8Array(4096).subarray(4090),
  new Uint16Array(4096),
  new DataView(new ArrayBuffer(4096)),
  new ArrayBuffer(4096),
  Buffer.alloc(512),
);

const strings = fc.oneof(
  fc.constantFrom(
    'memfd',
    'anonymous',
    '/dev/null',
    '/dev/zero',
    '/dev/kvm',
    '/proc/self/exe',
    '',
    'a\0b',
    '0000:00:00.0',
  ),
  fc.string(),
);

/** One argument; `near` are values of this run that come close to valid, such as addresses and handle numbers. */
export function argument(near: () => unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 6, arbitrary: numbers },
    { weight: 4, arbitrary: bigints },
    { weight: 6, arbitrary: bytes },
    { weight: 2, arbitrary: fc.nat().map((i) => near()[i % near().length]) },
    { weight: 2, arbitrary: fc.boolean() },
    { weight: 2, arbitrary: strings },
    { weight: 2, arbitrary: oddities },
    { weight: 1, arbitrary: fc.anything() },
  );
}

/** What the shapes below need of the run's living handles. */
export interface Living {
  address(): bigint;
  memory(): number;
  vm(): number;
  vcpu(): number;
  file(): number;
}

const page = fc.nat(17).map((n) => n * 4096);
const pageBig = page.map(BigInt);
const bitmap = fc.constantFrom(0, 8, 16, 4096).map((size) => new Uint8Array(size));
const gpa = fc.constantFrom(0n, 0x10000n, 0x20000n, 0x100000n, 1n << 40n);
const attr = [fc.nat(2), fc.nat(3).map(BigInt), fc.option(bytes, { nil: undefined })];

/** struct kvm_msr_filter with one range of a few MSRs. */
const filter = fc.tuple(fc.nat(200), fc.nat(3)).map(([nmsrs, flags]) => {
  const words = new Uint32Array(98);
  words.set([0, 0, flags, nmsrs, 0x174]);
  return new Uint8Array(words.buffer);
});

/** Room for 200 entries of `size` bytes behind a header. */
const room = (header: number, size: number) =>
  fc.constantFrom(0, 1, 200).map((count) => {
    const array = new Uint8Array(header + 200 * size);
    array[0] = count;
    return array;
  });

/**
 * Argument lists that are mostly right, by function: without them the fuzzer would hardly ever get past the first
 * check. What is not listed takes one struct.
 */
export function shapes(living: Living): Record<string, fc.Arbitrary<unknown>[]> {
  const live = (get: () => unknown) => fc.constant(undefined).map(get);
  const hva = page.map((offset) => living.address() + BigInt(offset));
  const region = [fc.nat(3), fc.nat(3), gpa, pageBig, hva];
  return {
    createMemory: [
      fc.constantFrom('memfd', 'anonymous'),
      page,
      fc.constantFrom(4096, 1 << 21),
      fc.constantFrom(0, 0, 0, 21),
      fc.boolean(),
      fc.boolean(),
    ],
    mapFile: [
      fc.constantFrom('/proc/self/exe', '/dev/zero', '/dev/null'),
      page,
      page,
      fc.boolean(),
      fc.boolean(),
    ],
    attachMemory: [live(living.memory)],
    attachVm: [live(living.vm)],
    kickVcpu: [live(living.vcpu)],
    'System.createVm': [fc.nat(1)],
    'System.supportedCpuid': [room(8, 40)],
    'System.msrIndexList': [room(4, 4)],
    'Memory.dontNeed': [page, page],
    'Memory.unmapPart': [page, page],
    'Memory.protectPart': [page, page, fc.boolean()],
    'Vm.createVcpu': [fc.nat(300)],
    'Vm.createDevice': [fc.constantFrom(4, 7), fc.nat(1)],
    'Vm.createGuestMemfd': [pageBig, fc.nat(1).map(BigInt)],
    'Vm.setUserMemoryRegion': region,
    'Vm.setUserMemoryRegion2': [...region, live(living.file), pageBig],
    'Vm.getDirtyLog': [fc.nat(3), bitmap],
    'Vm.clearDirtyLog': [fc.nat(3), fc.constantFrom(0, 64), fc.nat(64), bitmap],
    'Vm.setMsrFilter': [filter, bitmap],
    'Vm.irqfd': [live(living.file), fc.nat(30), fc.nat(3), live(living.file)],
    'Vm.ioeventfd': [live(living.file), fc.constant(0n), pageBig, fc.constantFrom(0, 1, 2, 4, 8), fc.nat(7)],
    'Vcpu.enter': [fc.nat(2)],
    'File.readAt': [bytes, page],
    ...Object.fromEntries(
      ['System', 'Vm', 'Vcpu', 'Device'].flatMap((kind) =>
        ['hasAttr', 'getAttr', 'setAttr'].map((name) => [`${kind}.${name}`, attr]),
      ),
    ),
  };
}

/** The default shape. */
export const ONE_STRUCT = [bytes];

/** Words of the array that the fuzzer shares with its second thread: when to stop, numbers of what is open, turns taken. */
export const SHARED = { stop: 0, vm: 1, memory: 2, vcpu: 3, closed: 4, words: 5 } as const;
