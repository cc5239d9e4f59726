// The other side of the benchmarks: the same loops over /dev/kvm, in C.
// kvm {pio|wrmsr|vm} <count> runs a batch of <count> for each line of its input, and prints the
// batch's nanoseconds.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { RAM_SIZE = 0x10000, CODE = 0x1000, MSR = 0x12345 };

// bench/guests.ts has the same bytes.
static const uint8_t pio_loop[] = {0xe6, 0x10, 0xeb, 0xfc};
static const uint8_t wrmsr_loop[] = {0x66, 0xb9, 0x45, 0x23, 0x01, 0x00, 0x0f, 0x30, 0xeb, 0xfc};

static int check(int result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
  return result;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

struct vm {
  int fd;
  int vcpu;
  size_t run_size;
  struct kvm_run *run;
};

static struct vm create(int kvm, void *ram) {
  struct vm vm;
  vm.fd = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
  struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR,
                               .args = {KVM_MSR_EXIT_REASON_UNKNOWN}};
  check(ioctl(vm.fd, KVM_ENABLE_CAP, &cap), "KVM_ENABLE_CAP");
  struct kvm_userspace_memory_region region = {.memory_size = RAM_SIZE,
                                               .userspace_addr = (uintptr_t)ram};
  check(ioctl(vm.fd, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  vm.vcpu = check(ioctl(vm.fd, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
  vm.run_size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
  vm.run = mmap(NULL, vm.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm.vcpu, 0);
  if (vm.run == MAP_FAILED) {
    check(-1, "mmap");
  }
  struct kvm_sregs sregs;
  check(ioctl(vm.vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  sregs.cs.base = 0;
  sregs.cs.selector = 0;
  check(ioctl(vm.vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
  struct kvm_regs regs;
  check(ioctl(vm.vcpu, KVM_GET_REGS, &regs), "KVM_GET_REGS");
  regs.rip = CODE;
  regs.rflags = 2;
  check(ioctl(vm.vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
  return vm;
}

static void destroy(struct vm vm) {
  munmap(vm.run, vm.run_size);
  close(vm.vcpu);
  close(vm.fd);
}

static long written;
static volatile long left;

static void take_port(uint32_t value) {
  written += value;
  left--;
}

static int take_msr(uint64_t value) {
  written += value;
  left--;
  return 1;
}

static const struct port {
  uint16_t port;
  void (*write)(uint32_t);
} ports[] = {{0x10, take_port}};
static const struct msr {
  uint32_t index;
  int (*write)(uint64_t);
} msrs[] = {{MSR, take_msr}};

static void do_io(struct kvm_run *run) {
  uint8_t *data = (uint8_t *)run + run->io.data_offset;
  for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
    if (ports[i].port == run->io.port) {
      ports[i].write(*data);
    }
  }
}

static void do_wrmsr(struct kvm_run *run) {
  run->msr.error = 1;
  for (size_t i = 0; i < sizeof(msrs) / sizeof(*msrs); i++) {
    if (msrs[i].index == run->msr.index) {
      run->msr.error = !msrs[i].write(run->msr.data);
    }
  }
}

static void run_loop(struct vm vm, long count) {
  left = count;
  while (left > 0) {
    check(ioctl(vm.vcpu, KVM_RUN, 0), "KVM_RUN");
    switch (vm.run->exit_reason) {
    case KVM_EXIT_IO:
      do_io(vm.run);
      break;
    case KVM_EXIT_X86_WRMSR:
      do_wrmsr(vm.run);
      break;
    default:
      fprintf(stderr, "exit reason %u\n", vm.run->exit_reason);
      exit(1);
    }
  }
}

static void one_vm(int kvm, void *ram) {
  struct vm vm = create(kvm, ram);
  run_loop(vm, 1);
  destroy(vm);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    return 2;
  }
  int vms = strcmp(argv[1], "vm") == 0;
  int wrmsr = strcmp(argv[1], "wrmsr") == 0;
  long count = atol(argv[2]);
  int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
  uint8_t *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  memcpy(ram + CODE, wrmsr ? wrmsr_loop : pio_loop, wrmsr ? sizeof(wrmsr_loop) : sizeof(pio_loop));
  struct vm vm;
  if (!vms) {
    // No VM may stay open beside those that are timed: the first and the last patch the kernel's
    // code.
    vm = create(kvm, ram);
    run_loop(vm, count);
  }
  for (int c = getchar(); c != EOF; c = getchar()) {
    int64_t start = now();
    if (vms) {
      for (long i = 0; i < count; i++) {
        one_vm(kvm, ram);
      }
    } else {
      run_loop(vm, count);
    }
    printf("%lld\n", (long long)(now() - start));
    fflush(stdout);
  }
  return written < 0;
}
