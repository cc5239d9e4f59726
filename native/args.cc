#include "args.h"

#include <cmath>

#include "error.h"

namespace kvm {

namespace {

// Build the sentence only where it is needed: these run on the hot path.
[[noreturn]] void failNumber(const Napi::CallbackInfo &info, const char *name, const char *kind,
                             double max) {
  failArgument(info.Env(), name,
               std::string("must be ") + kind + " from 0 to " +
                   std::to_string(static_cast<uint64_t>(max)));
}

/** The Number at `index`, or -1 for anything else. */
double numberOr(const Napi::CallbackInfo &info, size_t index) {
  Napi::Value value = info[index];
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
}

double argInteger(const Napi::CallbackInfo &info, size_t index, const char *name, double max) {
  double number = numberOr(info, index);
  if (!(number >= 0 && number <= max && std::trunc(number) == number)) {
    failNumber(info, name, "an integer", max);
  }
  return number;
}

} // namespace

double argNumber(const Napi::CallbackInfo &info, size_t index, const char *name, double max) {
  double number = numberOr(info, index);
  if (!(number >= 0 && number <= max)) {
    failNumber(info, name, "a number", max);
  }
  return number;
}

uint32_t argU32(const Napi::CallbackInfo &info, size_t index, const char *name, uint32_t max) {
  return static_cast<uint32_t>(argInteger(info, index, name, max));
}

uint64_t argSize(const Napi::CallbackInfo &info, size_t index, const char *name) {
  return static_cast<uint64_t>(argInteger(info, index, name, 9007199254740991.0));
}

uint64_t argU64(const Napi::CallbackInfo &info, size_t index, const char *name) {
  Napi::Value value = info[index];
  bool lossless = false;
  uint64_t number = value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
  if (!lossless) {
    failArgument(info.Env(), name, "must be a bigint from 0 to 2^64-1");
  }
  return number;
}

Bytes argBytes(const Napi::CallbackInfo &info, size_t index, const char *name, size_t atLeast) {
  Napi::Value value = info[index];
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    auto array = value.As<Napi::Uint8Array>();
    if (array.ByteLength() >= atLeast) {
      return {array.Data(), array.ByteLength()};
    }
  }
  failArgument(info.Env(), name,
               "must be a Uint8Array of at least " + std::to_string(atLeast) + " bytes");
}

std::string argString(const Napi::CallbackInfo &info, size_t index, const char *name) {
  Napi::Value value = info[index];
  if (value.IsString()) {
    std::string text = value.As<Napi::String>().Utf8Value();
    if (text.find('\0') == std::string::npos) {
      return text;
    }
  }
  failArgument(info.Env(), name, "must be a string without NUL");
}

bool argBool(const Napi::CallbackInfo &info, size_t index, const char *name) {
  Napi::Value value = info[index];
  if (!value.IsBoolean()) {
    failArgument(info.Env(), name, "must be a boolean");
  }
  return value.As<Napi::Boolean>().Value();
}

} // namespace kvm
