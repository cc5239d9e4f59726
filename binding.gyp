{
  # The addon and the guests for `npm install`; CMakeLists.txt is the developers' way to the same files.
  'includes': ['native/sources.gypi', 'guests/flags.gypi'],
  'targets': [
    {
      'target_name': 'kvm_memtype',
      'sources': ['<@(addon_sources)'],
      'include_dirs': ["<!(node -p \"require('node-addon-api').include_dir\")"],
      'defines': ['NAPI_VERSION=8', 'NAPI_CPP_EXCEPTIONS', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
      'cflags': ['-Wall', '-Wextra', '-Werror', '-fvisibility=hidden'],
      'cflags!': ['-Wno-unused-parameter'],
      'cflags_cc': ['-std=c++17', '-fexceptions'],
      'cflags_cc!': ['-fno-exceptions'],
      # nodelete: the signal handler must outlive a worker that was the only one to load the addon.
      'ldflags': ['-Wl,-z,nodelete'],
    },
    {
      'target_name': 'guests',
      'type': 'none',
      'variables': {
        'guest_command': ['cc', '<@(guest_compile_flags)', '<@(guest_link_flags)'],
      },
      'actions': [
        {
          'action_name': 'probe',
          'inputs': ['guests/probe_entry.S', 'guests/probe.c', 'guests/probe.h', 'guests/probe.ld'],
          'outputs': ['<(PRODUCT_DIR)/probe.elf'],
          'action': [
            '<@(guest_command)', '-o', '<(PRODUCT_DIR)/probe.elf', '-mcmodel=small', '-Wl,-T,guests/probe.ld', 'guests/probe_entry.S', 'guests/probe.c',
          ],
        },
        {
          'action_name': 'hello',
          'inputs': ['guests/multiboot_entry.S', 'guests/multiboot.c', 'guests/serial.h', 'guests/multiboot.ld'],
          'outputs': ['<(PRODUCT_DIR)/hello.elf'],
          'action': [
            '<@(guest_command)', '-o', '<(PRODUCT_DIR)/hello.elf', '-m32', '-Wl,-T,guests/multiboot.ld', 'guests/multiboot_entry.S', 'guests/multiboot.c',
          ],
        },
        {
          'action_name': 'qemu_devices',
          'inputs': ['guests/multiboot_entry.S', 'guests/qemu_devices.c', 'guests/serial.h', 'guests/multiboot.ld'],
          'outputs': ['<(PRODUCT_DIR)/qemu_devices.elf'],
          'action': [
            '<@(guest_command)', '-o', '<(PRODUCT_DIR)/qemu_devices.elf', '-m32', '-Wl,-T,guests/multiboot.ld', 'guests/multiboot_entry.S', 'guests/qemu_devices.c',
          ],
        },
      ],
    },
  ],
}
