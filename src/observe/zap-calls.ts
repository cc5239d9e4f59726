/** One call of kvm_zap_gfn_range(): the half-open range of guest frames, and how long it took. */
export interface ZapCall {
  start: bigint;
  end: bigint;
  /** Nanoseconds, at the microsecond resolution of the trace. */
  ns: number;
}

const LINE = /\s(\d+)\.(\d{6}): (zap|zapped): \(.*?\)(?: start=0x([\da-f]+) end=0x([\da-f]+))?/;

/** A line of the trace makes no sense. */
export class ZapTraceError extends Error {
  readonly code = 'TRACE';
}

/**
 * Read the calls out of a trace of the probes on kvm_zap_gfn_range().
 * @throws ZapTraceError if events were lost, or entry and return do not pair up
 */
export function parseZapCalls(text: string): ZapCall[] {
  const calls: ZapCall[] = [];
  let open: { start: bigint; end: bigint; at: number } | undefined;
  for (const line of text.split('\n')) {
    if (line.includes('LOST')) throw new ZapTraceError('the kernel dropped trace events');
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, seconds, micros, event, start, end] = match;
    const at = Number(seconds) * 1e9 + Number(micros) * 1e3;
    if (event === 'zap') {
      if (open !== undefined)
        throw new ZapTraceError('kvm_zap_gfn_range() was entered twice without a return');
      open = { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), at };
    } else {
      if (open === undefined) throw new ZapTraceError('kvm_zap_gfn_range() returned without an entry');
      calls.push({ start: open.start, end: open.end, ns: at - open.at });
      open = undefined;
    }
  }
  return calls;
}
