/** How many times longer than usual a test may take: an emulated machine is slow. No test's verdict depends on time: it only ends what hangs. */
export const PATIENCE = Number(process.env.KVM_MEMTYPE_PATIENCE ?? 1);

/** Milliseconds after which something hangs, on this machine. */
export const patiently = (ms: number): number => ms * PATIENCE;
