// SPDX-License-Identifier: MIT
/*
 * Gives a monitor that nobody here wrote a device with non-coherent DMA: QEMU knows no VFIO group
 * without an IOMMU, which is all that the lab has. Preloaded into it, this adds the group to each
 * VM that it makes, or, with RUNS=n, at the n-th time that a vCPU is about to run. Says at the end
 * how long the VM was there, and how long its monitor computed, in milliseconds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static int vm = -1;
static long runs = -1;

static double begin;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double ms(struct timeval t) { return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3; }

__attribute__((destructor)) static void tell(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  if (vm >= 0)
    fprintf(stderr, "{\"ms\":%.0f,\"cpuMs\":%.0f}\n", now() - begin,
            ms(usage.ru_utime) + ms(usage.ru_stime));
}

static int call(int fd, unsigned long request, void *arg) {
  static int (*next)(int, unsigned long, ...);
  if (!next)
    next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  return next(fd, request, arg);
}

static void attach(void) {
  int group = open("/dev/vfio/noiommu-0", O_RDWR), container = open("/dev/vfio/vfio", O_RDWR);
  struct kvm_create_device device = {.type = KVM_DEV_TYPE_VFIO};
  struct kvm_device_attr add = {
      .group = KVM_DEV_VFIO_GROUP, .attr = KVM_DEV_VFIO_GROUP_ADD, .addr = (unsigned long)&group};
  if (group < 0 || container < 0 || call(group, VFIO_GROUP_SET_CONTAINER, &container) < 0 ||
      call(container, VFIO_SET_IOMMU, (void *)VFIO_NOIOMMU_IOMMU) < 0 ||
      call(vm, KVM_CREATE_DEVICE, &device) < 0 ||
      call((int)device.fd, KVM_SET_DEVICE_ATTR, &add) < 0)
    fprintf(stderr, "cannot add a group: %s\n", strerror(errno));
}

int ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  void *arg = va_arg(list, void *);
  va_end(list);
  if (strncmp(program_invocation_short_name, "qemu", 4) != 0)
    return call(fd, request, arg);
  if (request == KVM_RUN && runs > 0 && --runs == 0)
    attach();
  int result = call(fd, request, arg);
  if (request == KVM_CREATE_VM && result >= 0) {
    vm = result;
    begin = now();
    runs = getenv("RUNS") ? atol(getenv("RUNS")) : 0;
    if (runs == 0)
      attach();
  }
  return result;
}
