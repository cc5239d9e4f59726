#include "error.h"

#include <cerrno>

#include "addon.h"

namespace kvm {

void fail(Napi::Env env, const char *code, const char *operation, int error,
          const std::string &detail) {
  auto &errorClass = Addon::of(env).errorClass;
  if (errorClass.IsEmpty()) {
    throw Napi::Error::New(env, std::string(operation) + ": init() was not called");
  }
  Napi::Object object =
      errorClass.New({Napi::String::New(env, code), Napi::String::New(env, operation),
                      Napi::Number::New(env, error), Napi::String::New(env, detail)});
  throw Napi::Error(env, object);
}

void failArgument(Napi::Env env, const std::string &name, const std::string &rule) {
  fail(env, kArgument, name.c_str(), EINVAL, rule);
}

int check(Napi::Env env, int result, const char *code, const char *operation) {
  if (result < 0) {
    fail(env, code, operation, errno);
  }
  return result;
}

} // namespace kvm
