import { expect, test } from 'vitest';
import { adapted } from './adapt.js';

/** Lines of what Debian's Bochs 2.7 saves. */
const CONFIG = `plugin_ctrl: biosdev=true, iodebug=true, parallel=true, gameport=true, extfpuirq=true, usb_uhci=true
config_interface: textconfig
display_library: sdl2
memory: host=1024, guest=1024
cpu: count=1:1:1, ips=20000000, quantum=16, model=corei7_haswell_4770, reset_on_triple_fault=0
print_timestamps: enabled=0
debugger_log: -
magic_break: enabled=1
port_e9_hack: enabled=0
sound: waveoutdrv=alsa, waveout=none
com1: enabled=true, mode=file, dev="console"
`;

test('what the built emulator does not know is left out of the settings, and the rest stays', () => {
  expect(adapted.config(CONFIG)).toBe(`plugin_ctrl: biosdev=true, parallel=true, extfpuirq=true, usb_uhci=true
config_interface: textconfig
display_library: nogui
memory: host=1024, guest=1024
cpu: count=1, ips=20000000, model=corei7_haswell_4770, reset_on_triple_fault=0
port_e9_hack: enabled=0
com1: enabled=true, mode=file, dev="console"
`);
});

test('so is the debugger’s note of the processor', () => {
  expect(adapted.cpu0('  icount = 5\n  in_repeat = false\n  in_vmx = true\n')).toBe(
    '  icount = 5\n  in_vmx = true\n',
  );
});
