/**
 * KVM from Node: the typed classes over /dev/kvm, a small virtual machine monitor on top of them, and the probe guest
 * that the memory-type checks drive.
 *
 * Start with `Kvm.open()`, make a `Machine`, put devices on its buses, `bootGuest()` an image and `run()` it; the
 * programs in examples/ each show one thing.
 * @module
 */
export * from './kvm/index.js';
export * from './probe/index.js';
export * from './vmm/index.js';
