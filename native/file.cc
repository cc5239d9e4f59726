#include "file.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "args.h"

namespace kvm {

namespace {
constexpr const char *kFile = "KVM_FILE";
}

Napi::Value wrapFile(Napi::Env env, UniqueFd fd, std::shared_ptr<void> owner) {
  auto state = makeNumbered<FileState>();
  state->fd = std::move(fd);
  state->owner = std::move(owner);
  return Addon::of(env).wrap(Kind::File, std::move(state));
}

std::shared_ptr<FileState> argFile(const Napi::CallbackInfo &info, size_t index, const char *name) {
  auto file = Registry<FileState>::find(argU32(info, index, name));
  if (!file) {
    failArgument(info.Env(), name, "must be an open file");
  }
  return file;
}

Napi::Function FileHandle::define(Napi::Env env, const char *name) {
  return DefineClass(env, name,
                     {method("number", &FileHandle::number), method("fd", &FileHandle::fdNumber),
                      method("read", &FileHandle::read), method("readAt", &FileHandle::readAt),
                      method("write", &FileHandle::write), method("closed", &FileHandle::closed),
                      method("close", &FileHandle::close)});
}

Napi::Value FileHandle::number(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), state(info, "number").number);
}

Napi::Value FileHandle::fdNumber(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), fd(info));
}

Napi::Value FileHandle::read(const Napi::CallbackInfo &info) {
  int file = fd(info);
  Bytes bytes = argBytes(info, 0, "buffer", 1);
  auto count = ::read(file, bytes.data, bytes.size);
  return Napi::Number::New(info.Env(), check(info.Env(), static_cast<int>(count), kFile, "read"));
}

Napi::Value FileHandle::readAt(const Napi::CallbackInfo &info) {
  int file = fd(info);
  Bytes bytes = argBytes(info, 0, "buffer", 1);
  auto count = pread(file, bytes.data, bytes.size, static_cast<off_t>(argSize(info, 1, "offset")));
  return Napi::Number::New(info.Env(), check(info.Env(), static_cast<int>(count), kFile, "pread"));
}

Napi::Value FileHandle::write(const Napi::CallbackInfo &info) {
  int file = fd(info);
  Bytes bytes = argBytes(info, 0, "buffer", 1);
  auto count = ::write(file, bytes.data, bytes.size);
  return Napi::Number::New(info.Env(), check(info.Env(), static_cast<int>(count), kFile, "write"));
}

Napi::Value FileHandle::close(const Napi::CallbackInfo &info) {
  state_.reset();
  return info.Env().Undefined();
}

Napi::Value readNow(const Napi::CallbackInfo &info) {
  int fd = static_cast<int>(argU32(info, 0, "fd", INT_MAX));
  Bytes bytes = argBytes(info, 1, "buffer", 1);
  auto count = ::read(fd, bytes.data, bytes.size);
  return Napi::Number::New(info.Env(), static_cast<int>(count < 0 ? -errno : count));
}

Napi::Value createEventFd(const Napi::CallbackInfo &info) {
  int fd = check(info.Env(), eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), kFile, "eventfd");
  return wrapFile(info.Env(), UniqueFd(fd), nullptr);
}

} // namespace kvm
