#pragma once

#include "fd.h"
#include "handle.h"
#include "registry.h"

namespace kvm {

/** An fd that is read or written as a file (eventfd, stats, guest_memfd), and what must outlive it.
 */
struct FileState {
  ~FileState() { Registry<FileState>::remove(number); }

  std::shared_ptr<void> owner;
  UniqueFd fd;
  uint32_t number = 0;
};

/** Make a File object of an fd. */
Napi::Value wrapFile(Napi::Env env, UniqueFd fd, std::shared_ptr<void> owner);

/** Take argument `index` as the number of a living File. */
std::shared_ptr<FileState> argFile(const Napi::CallbackInfo &info, size_t index, const char *name);

class FileHandle : public Handle<FileHandle, FileState> {
public:
  static constexpr Kind kKind = Kind::File;
  static Napi::Function define(Napi::Env env, const char *name);
  using Handle::Handle;

private:
  int fd(const Napi::CallbackInfo &info) { return state(info, "fd").fd.get(); }
  Napi::Value number(const Napi::CallbackInfo &info);
  Napi::Value fdNumber(const Napi::CallbackInfo &info);
  Napi::Value read(const Napi::CallbackInfo &info);
  Napi::Value readAt(const Napi::CallbackInfo &info);
  Napi::Value write(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);
};

/** readNow(fd, buffer): bytes read from any descriptor, or a negated errno: an exception costs many
 * times what a read does */
Napi::Value readNow(const Napi::CallbackInfo &info);

/** createEventFd(): a non-blocking eventfd with count 0 */
Napi::Value createEventFd(const Napi::CallbackInfo &info);

} // namespace kvm
