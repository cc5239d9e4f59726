export { ProbeBootError, ProbeProtocolError } from './errors.js';
export { NestedGuest } from './nested.js';
export { Probe, probeRamSize } from './probe.js';
export type { ProbeCommand, ProbeFault, ProbeResult, Width } from './protocol.js';
export { type FarAddress, WINDOW_SIZE, windowAddress } from './tables.js';
