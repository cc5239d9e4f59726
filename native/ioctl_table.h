#pragma once

#include <napi.h>

#include <cstddef>

namespace kvm {

/** What an ioctl takes. */
enum class Shape {
  None,    // nothing
  Value,   // an integer, passed by value
  Struct,  // `size` bytes
  Counted, // `size` bytes that start with a u32 count, then that many entries of `entry` bytes
};

/** One ioctl that needs no more than a checked buffer: a row makes a method. */
struct Ioctl {
  const char *method;
  const char *operation;
  unsigned long request;
  Shape shape = Shape::None;
  size_t size = 0;
  size_t entry = 0;
};

struct IoctlTable {
  const Ioctl *begin;
  const Ioctl *end;
};

template <size_t N> constexpr IoctlTable tableOf(const Ioctl (&rows)[N]) {
  return {rows, rows + N};
}

// Name an ioctl once, as text and as number.
#define KVM_OP(request) #request, request

/** Check the arguments against the row, call, and return the ioctl's result, which is never
 * negative. */
int runIoctl(const Napi::CallbackInfo &info, int fd, const Ioctl &row);

} // namespace kvm
