{
  "variables": {
    "guest_compile_flags": [
      "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-builtin", "-fno-pic", "-fno-pie",
      "-mno-red-zone", "-mgeneral-regs-only", "-fcf-protection=none", "-fno-stack-protector",
      "-fno-asynchronous-unwind-tables", "-fno-jump-tables", "-fno-delete-null-pointer-checks",
      "-fno-tree-loop-distribute-patterns"
    ],
    "guest_link_flags": [
      "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,max-page-size=4096",
      "-Wl,--no-warn-rwx-segments"
    ]
  }
}
