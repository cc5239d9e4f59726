import { expect, test } from 'vitest';
import { FW_CFG_KEYS, FwCfg, fwCfgItems } from './fw-cfg.js';

const PC = { cpus: 3, memory: 0x1_0000_0000 };

/** What a guest reads after it has selected `key`. */
function ask(device: FwCfg, key: number, bytes: number): number[] {
  device.write(0, 2, key);
  return Array.from({ length: bytes }, () => device.read(1, 1));
}

test.each([
  ['the signature', FW_CFG_KEYS.signature, [0x51, 0x45, 0x4d, 0x55]],
  ['no DMA interface', FW_CFG_KEYS.interface, [1, 0, 0, 0]],
  ['RAM in bytes, 64 bits', FW_CFG_KEYS.ramSize, [0, 0, 0, 0, 1, 0, 0, 0]],
  ['CPUs', FW_CFG_KEYS.cpus, [3, 0]],
  ['the most CPUs there may be', FW_CFG_KEYS.maxCpus, [3, 0]],
  ['a directory without files', FW_CFG_KEYS.files, [0, 0, 0, 0]],
  ['zeros past the end', FW_CFG_KEYS.cpus, [3, 0, 0, 0]],
  ['zeros under an unknown key', 0x7fff, [0, 0]],
])('fw_cfg tells %s', (_, key, bytes) => {
  expect(ask(new FwCfg(fwCfgItems(PC)), key, bytes.length)).toEqual(bytes);
});

test('selecting a key starts it over', () => {
  const device = new FwCfg(fwCfgItems(PC));
  ask(device, FW_CFG_KEYS.signature, 2);

  expect(ask(device, FW_CFG_KEYS.signature, 1)).toEqual([0x51]);
});

test.each([
  ['a byte to the selector', 0, 1, FW_CFG_KEYS.cpus],
  ['a byte to the data port', 1, 1, FW_CFG_KEYS.cpus],
])('%s changes nothing', (_, offset, size, value) => {
  const device = new FwCfg(fwCfgItems(PC));
  device.write(0, 2, FW_CFG_KEYS.signature);

  device.write(offset, size, value);

  expect(device.read(1, 1)).toBe(0x51);
});

test('only a byte is read at a time, and only from the data port', () => {
  const device = new FwCfg(fwCfgItems(PC));
  device.write(0, 2, FW_CFG_KEYS.signature);

  expect([device.read(0, 1), device.read(0, 2), device.read(1, 4)]).toEqual([0, 0, 0]);
  expect(device.read(1, 1)).toBe(0x51);
});
