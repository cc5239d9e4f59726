#include "device.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "args.h"
#include "vm.h"

namespace kvm {

namespace {
// More than any x86 attribute reads or writes at `addr`.
constexpr size_t kBounce = 4096;
} // namespace

Napi::Value callDeviceAttr(const Napi::CallbackInfo &info, int fd, const Request &request) {
  kvm_device_attr attribute{};
  attribute.group = argU32(info, 0, "group");
  attribute.attr = argU64(info, 1, "attr");
  // Bounce: only the kernel knows how many bytes it moves, so never hand it a buffer of
  // JavaScript's.
  std::array<uint8_t, kBounce> bounce{};
  Bytes value{nullptr, 0};
  if (!info[2].IsUndefined()) {
    value = argBytes(info, 2, "value", 0);
    value.size = std::min(value.size, bounce.size());
    if (value.size > 0) {
      std::memcpy(bounce.data(), value.data, value.size);
    }
    attribute.addr = reinterpret_cast<uint64_t>(bounce.data());
  }
  int result = call(info.Env(), fd, request, &attribute);
  if (request.number == kGetDeviceAttr.number && value.size > 0) {
    std::memcpy(value.data, bounce.data(), value.size);
  }
  return Napi::Number::New(info.Env(), result);
}

Napi::Function DeviceHandle::define(Napi::Env env, const char *name) {
  std::vector<Property> properties = {method("closed", &DeviceHandle::closed),
                                      method("close", &DeviceHandle::close)};
  addAttrs(properties);
  return DefineClass(env, name, properties);
}

Napi::Value DeviceHandle::close(const Napi::CallbackInfo &info) {
  state_.reset();
  return info.Env().Undefined();
}

} // namespace kvm
