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
  if (count > (bytes.size - row.request.size()) / row.size) {
    failArgument(info.Env(), row.method, "must hold as many entries as its count says");
  }
}

} // namespace

int call(Napi::Env env, int fd, const Request &request, unsigned long argument) {
  return check(env, ioctl(fd, request.number, argument), kIoctl, request.name);
}

int runIoctl(const Napi::CallbackInfo &info, int fd, const Ioctl &row) {
  unsigned long argument = 0;
  if (row.shape == Shape::Value) {
    argument = argU32(info, 0, row.method);
  } else if (row.shape == Shape::Struct) {
    size_t size = row.size ? row.size : row.request.size();
    argument = reinterpret_cast<unsigned long>(argBytes(info, 0, row.method, size).data);
  } else if (row.shape == Shape::Counted) {
    Bytes bytes = argBytes(info, 0, row.method, row.request.size());
    checkCount(info, bytes, row);
    argument = reinterpret_cast<unsigned long>(bytes.data);
  }
  return call(info.Env(), fd, row.request, argument);
}

} // namespace kvm
