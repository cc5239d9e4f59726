#include "ioctl_table.h"

#include <sys/ioctl.h>

#include <cstring>

#include "args.h"
#include "error.h"

namespace kvm {

namespace {

/** Make sure that the kernel stays within the buffer when it walks the entries. */
void checkCount(const Napi::CallbackInfo &info, const Bytes &bytes, const Ioctl &row) {
  uint32_t count;
  std::memcpy(&count, bytes.data, sizeof(count));
  if (count > (bytes.size - row.size) / row.entry) {
    failArgument(info.Env(), row.method, "must hold as many entries as its count says");
  }
}

} // namespace

int runIoctl(const Napi::CallbackInfo &info, int fd, const Ioctl &row) {
  unsigned long argument = 0;
  if (row.shape == Shape::Value) {
    argument = argU32(info, 0, row.method);
  } else if (row.shape != Shape::None) {
    Bytes bytes = argBytes(info, 0, row.method, row.size);
    if (row.shape == Shape::Counted) {
      checkCount(info, bytes, row);
    }
    argument = reinterpret_cast<unsigned long>(bytes.data);
  }
  return check(info.Env(), ioctl(fd, row.request, argument), kIoctl, row.operation);
}

} // namespace kvm
