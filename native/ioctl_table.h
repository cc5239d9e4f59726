#pragma once

#include <napi.h>

#include <cstddef>

#include "requests.h"

namespace kvm {

/** What an ioctl takes. */
enum class Shape {
  None,    // nothing
  Value,   // an integer, passed by value
  Struct,  // a struct as long as the request's number says
  Bounded, // the same, then the milliseconds after which a signal ends it, for one that may never
           // end
  Sized, // a struct of `size` bytes that starts with its size as a u32 (VFIO's argsz), which is set
  Counted, // a struct that starts with a u32 count, then that many entries of `size` bytes
};

/** One ioctl that needs no more than a checked buffer: a row makes a method. */
struct Ioctl {
  const char *method;
  Request request;
  Shape shape = Shape::None;
  size_t size = 0;
};

struct IoctlTable {
  const Ioctl *begin;
  const Ioctl *end;
};

template <size_t N> constexpr IoctlTable tableOf(const Ioctl (&rows)[N]) {
  return {rows, rows + N};
}

/** Make an ioctl; returns its result, which is never negative, or throws its errno. */
int call(Napi::Env env, int fd, const Request &request, unsigned long argument);

template <class T> int call(Napi::Env env, int fd, const Request &request, T *argument) {
  return call(env, fd, request, reinterpret_cast<unsigned long>(argument));
}

/** Check the arguments against the row, call, and return the ioctl's result, which is never
 * negative. */
int runIoctl(const Napi::CallbackInfo &info, int fd, const Ioctl &row);

} // namespace kvm
