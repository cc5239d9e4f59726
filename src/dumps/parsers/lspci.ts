import { type DumpFormat, hexOf, type Misfit } from '../types.js';

/** `01:00.0 VGA compatible controller: …`, with a domain, with numbers (-nn), or with numbers alone (-n). */
const DEVICE = /^((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]) [^:]{1,80}: /;
const MEMORY = /^(?:Region (\d): )?(?:\[virtual\] )?Memory at /;
const BAR =
  /Memory at ([0-9a-f]{4,16}) \((?:32-bit|64-bit|low-1M), (?:non-)?prefetchable\)(?: \[virtual\])?( \[disabled\])? \[size=(\d{1,6})([KMGT]?)\](?: \[enhanced\])?$/;
/** Lines within a device that say nothing of its BARs of memory. */
const WITHIN =
  /^(?:Subsystem|Control|Status|Latency|Interrupt|Capabilities|Kernel (?:driver|modules)|Flags|Region \d: (?:\[virtual\] )?I\/O|I\/O ports|(?:\[virtual\] )?Expansion ROM|(?:I\/O|Memory) behind|Prefetchable memory|Secondary status|BridgeCtl|Bus:|BIST|IOMMU group|NUMA node|Physical Slot|DeviceName|!!!)/;
const UNITS: Readonly<Record<string, bigint>> = { '': 0n, K: 10n, M: 20n, G: 30n, T: 40n };

const DISABLED: Misfit = { why: 'the device does not decode its memory: --slot tells of it' };
const NO_ADDRESS: Misfit = { why: 'it has no address and size' };

/** `lspci -v` and `lspci -vv` (show_bases() of pciutils): the memory BARs of PCI functions. */
export const lspci: DumpFormat = {
  name: 'lspci',
  start: () => {
    let device = '';
    let count = 0;
    return (whole) => {
      const line = whole.trim();
      const header = DEVICE.exec(line)?.[1];
      if (header !== undefined) {
        device = header;
        count = 0;
        return [];
      }
      if (device === '') return undefined;
      const memory = MEMORY.exec(line);
      if (memory === null) return WITHIN.test(line) || /^\t\t/.test(whole) ? [] : undefined;
      const name = `${device} BAR ${memory[1] ?? count++}`;
      const [, base, disabled, size, unit = ''] = BAR.exec(line) ?? [];
      if (disabled !== undefined) return DISABLED;
      if (base === undefined || size === undefined) return NO_ADDRESS;
      const start = hexOf(base);
      return [
        { what: 'area', kind: 'bar', name, start, end: start + (BigInt(size) << (UNITS[unit] as bigint)) },
      ];
    };
  },
};
