#pragma once

#include "external_buffer.h"
#include "handle.h"
#include "mapping.h"

namespace kvm {

/** Guest memory as JavaScript sees it; `state()` is the mapping, which other handles may share. */
class MemoryHandle : public Handle<MemoryHandle, Mapping> {
public:
  static constexpr Kind kKind = Kind::Memory;
  static Napi::Function define(Napi::Env env, const char *name);
  using Handle::Handle;

private:
  Napi::Value buffer(const Napi::CallbackInfo &info);
  Napi::Value address(const Napi::CallbackInfo &info);
  Napi::Value size(const Napi::CallbackInfo &info);
  Napi::Value number(const Napi::CallbackInfo &info);
  Napi::Value dontNeed(const Napi::CallbackInfo &info);
  Napi::Value unmapPart(const Napi::CallbackInfo &info);
  Napi::Value protectPart(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);

  ExternalBuffer buffer_;
};

/** Find the open memory that all of [address, address + size) lies in, or fail on `userspaceAddr`.
 */
std::shared_ptr<Mapping> findMapping(const Napi::CallbackInfo &info, uint64_t address,
                                     uint64_t size);

/** createMemory(backing: 'memfd' | 'anonymous', size, align, hugeShift, thp, populate) */
Napi::Value createMemory(const Napi::CallbackInfo &info);
/** mapFile(path, offset, size, writable, shared) */
Napi::Value mapFile(const Napi::CallbackInfo &info);
/** attachMemory(number): the same memory in another environment */
Napi::Value attachMemory(const Napi::CallbackInfo &info);

} // namespace kvm
