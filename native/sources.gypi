{
  "variables": {
    "addon_sources": [
      "native/addon.cc",
      "native/args.cc",
      "native/background_run.cc",
      "native/device.cc",
      "native/error.cc",
      "native/external_buffer.cc",
      "native/file.cc",
      "native/ioctl_table.cc",
      "native/mapping.cc",
      "native/memory.cc",
      "native/run_timer.cc",
      "native/system.cc",
      "native/vcpu.cc",
      "native/vfio.cc",
      "native/vm.cc"
    ]
  }
}
