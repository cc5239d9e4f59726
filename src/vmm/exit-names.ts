import * as uapi from '../kvm/uapi.js';

/** Not reasons, though named like them: constants of the exits' own fields. */
const REASON = /^KVM_EXIT_(?!IO_IN|IO_OUT|HYPERV_|XEN_)/;

const NAMES = new Map(
  Object.entries(uapi)
    .filter(([name]) => REASON.test(name))
    .map(([name, value]) => [value as number, name]),
);

/** Name of an exit reason, as `KVM_EXIT_SHUTDOWN`; `exit reason 99` if it has none here. */
export function exitName(reason: number): string {
  return NAMES.get(reason) ?? `exit reason ${reason}`;
}
