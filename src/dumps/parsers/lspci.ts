import { type DumpFormat, hexOf } from '../types.js';

const DEVICE = /^((?:[0-9a-f]{4}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]) [A-Z]/;
const BAR =
  /^(?:Region (\d): )?Memory at ([0-9a-f]{4,16}) \((?:32|64)-bit, (?:non-)?prefetchable\)(?: \[virtual\])? \[size=(\d{1,6})([KMG]?)\]$/;
/** Lines within a device that say nothing of its memory. */
const WITHIN =
  /^(?:Subsystem|Control|Status|Latency|Interrupt|Capabilities|Kernel (?:driver|modules)|Flags|Region \d: (?:I\/O|Memory)|I\/O ports|Expansion ROM|Memory behind|Prefetchable memory|Bus:|IOMMU group|NUMA node|Physical Slot|DeviceName|Memory at)/;
const UNITS: Readonly<Record<string, bigint>> = { '': 0n, K: 10n, M: 20n, G: 30n };

/** `lspci -v` and `lspci -vv`: the memory BARs of PCI functions. */
export const lspci: DumpFormat = {
  name: 'lspci',
  start: () => {
    let device = '';
    let count = 0;
    return (whole) => {
      const line = whole.trim();
      const header = DEVICE.exec(whole)?.[1];
      if (header !== undefined) {
        device = header;
        count = 0;
        return [];
      }
      if (device === '') return undefined;
      const [, region, base, size, unit = ''] = BAR.exec(line) ?? [];
      if (base === undefined || size === undefined)
        return WITHIN.test(line) || /^\t\t/.test(whole) ? [] : undefined;
      const start = hexOf(base);
      const name = `${device} BAR ${region ?? count++}`;
      return [
        { what: 'area', kind: 'bar', name, start, end: start + (BigInt(size) << (UNITS[unit] as bigint)) },
      ];
    };
  },
};
