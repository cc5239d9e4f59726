#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

namespace kvm {

/** The bytes of a Uint8Array; valid until the native call returns to JavaScript. */
struct Bytes {
  uint8_t *data;
  size_t size;
};

/** Take argument `index` as an integer of 0..max. */
uint32_t argU32(const Napi::CallbackInfo &info, size_t index, const char *name,
                uint32_t max = UINT32_MAX);

/** Take argument `index` as a Number of 0..max, fractions included. */
double argNumber(const Napi::CallbackInfo &info, size_t index, const char *name, double max);

/** Take argument `index` as a bigint of 0..2^64-1. */
uint64_t argU64(const Napi::CallbackInfo &info, size_t index, const char *name);

/** Take argument `index` as an integer Number of 0..2^53-1. */
uint64_t argSize(const Napi::CallbackInfo &info, size_t index, const char *name);

/** Take argument `index` as a Uint8Array of at least `atLeast` bytes. */
Bytes argBytes(const Napi::CallbackInfo &info, size_t index, const char *name, size_t atLeast);

/** Take argument `index` as a string without NUL. */
std::string argString(const Napi::CallbackInfo &info, size_t index, const char *name);

/** Take argument `index` as a boolean. */
bool argBool(const Napi::CallbackInfo &info, size_t index, const char *name);

} // namespace kvm
