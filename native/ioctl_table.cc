#include "ioctl_table.h"

#include <sys/ioctl.h>

#include <cstring>
#include <vector>

#include "addon.h"
#include "args.h"
#include "error.h"

namespace kvm {

namespace {

// More than any ioctl takes.
constexpr uint32_t kMaxEntries = 65536;

/**
 * Call with a copy of the first `size` bytes, whose first u32 is `first`. JavaScript's bytes may be
 * a SharedArrayBuffer: the kernel would go by what another thread has written there since it was
 * checked.
 */
int runCopy(const Napi::CallbackInfo &info, int fd, const Ioctl &row, const Bytes &bytes,
            size_t size, uint32_t first) {
  std::vector<uint8_t> copy(bytes.data, bytes.data + size);
  std::memcpy(copy.data(), &first, sizeof(first));
  int result = ioctl(fd, row.request.number, copy.data());
  int error = errno;
  // Pass on what the kernel says of a failure, too: with E2BIG, the count it needs.
  if (row.shape == Shape::Sized || row.request.writesBack()) {
    std::memcpy(bytes.data, copy.data(), size);
  }
  errno = error;
  return check(info.Env(), result, kIoctl, row.request.name);
}

int runBounded(const Napi::CallbackInfo &info, int fd, const Ioctl &row) {
  Bytes bytes = argBytes(info, 0, row.method, row.request.size());
  double budget = argNumber(info, 1, "budgetMs", kMaxBudgetMs);
  RunTimer &timer = Addon::of(info.Env()).timer;
  if (int error = timer.prepare()) {
    fail(info.Env(), kIoctl, "timer_create", error);
  }
  int64_t deadline = monotonicNow() + static_cast<int64_t>(budget * 1e6);
  if (int error = timer.until(deadline, fd, row.request.number, bytes.data)) {
    fail(info.Env(), kIoctl, row.request.name, error);
  }
  return 0;
}

int runCounted(const Napi::CallbackInfo &info, int fd, const Ioctl &row) {
  size_t header = row.request.size();
  Bytes bytes = argBytes(info, 0, row.method, header);
  uint32_t count;
  std::memcpy(&count, bytes.data, sizeof(count));
  if (count > kMaxEntries || count > (bytes.size - header) / row.size) {
    failArgument(info.Env(), row.method, "must hold as many entries as its count says");
  }
  return runCopy(info, fd, row, bytes, header + count * row.size, count);
}

} // namespace

int call(Napi::Env env, int fd, const Request &request, unsigned long argument) {
  return check(env, ioctl(fd, request.number, argument), kIoctl, request.name);
}

int runIoctl(const Napi::CallbackInfo &info, int fd, const Ioctl &row) {
  switch (row.shape) {
  case Shape::None:
    return call(info.Env(), fd, row.request, 0UL);
  case Shape::Value:
    return call(info.Env(), fd, row.request, argU32(info, 0, row.method));
  case Shape::Struct:
    return call(info.Env(), fd, row.request,
                argBytes(info, 0, row.method, row.request.size()).data);
  case Shape::Bounded:
    return runBounded(info, fd, row);
  case Shape::Sized:
    return runCopy(info, fd, row, argBytes(info, 0, row.method, row.size), row.size,
                   static_cast<uint32_t>(row.size));
  case Shape::Counted:
    return runCounted(info, fd, row);
  }
  return -1;
}

} // namespace kvm
