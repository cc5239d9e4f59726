#pragma once

#include <napi.h>

#include <string>

namespace kvm {

// The stable `code` of a KvmError; src/kvm/errors.ts documents them.
inline constexpr const char *kArgument = "KVM_ARGUMENT";
inline constexpr const char *kClosed = "KVM_CLOSED";
inline constexpr const char *kIoctl = "KVM_IOCTL";
inline constexpr const char *kOpen = "KVM_OPEN";
inline constexpr const char *kMemory = "KVM_MEMORY";

/** Throw the JavaScript error class that init() was given, with `error` as its errno. */
[[noreturn]] void fail(Napi::Env env, const char *code, const char *operation, int error,
                       const std::string &detail = "");

/** Throw a KVM_ARGUMENT error that names the argument and the rule it broke. */
[[noreturn]] void failArgument(Napi::Env env, const std::string &name, const std::string &rule);

/** Return the result of a system call, or throw its errno. */
int check(Napi::Env env, int result, const char *code, const char *operation);

} // namespace kvm
