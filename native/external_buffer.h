#pragma once

#include <napi.h>

#include <memory>

#include "mapping.h"

namespace kvm {

/**
 * One environment's external ArrayBuffer over native memory.
 *
 * Memory is never unmapped under a buffer. The buffer is not detached either: work of Node's on
 * other threads (zlib, a read) aborts the process if its buffer is. So close() lets go of the
 * contents, which then read as zeros once the memory has been left (mapping.h), and the addresses
 * go later, when nobody can have them any more. That is the later of two moments, for JavaScript
 * can move the backing store to another ArrayBuffer, also on another thread (transfer(), byte
 * streams), while work on the old one still goes on: the store is freed, and the ArrayBuffer is
 * collected.
 */
class ExternalBuffer {
public:
  ExternalBuffer() = default;
  ExternalBuffer(const ExternalBuffer &) = delete;
  ExternalBuffer &operator=(const ExternalBuffer &) = delete;
  ~ExternalBuffer();

  bool empty() const { return !lease_; }
  Napi::Value value() const;

  /**
   * Make a buffer over a whole range; only while empty. It keeps `owner` until close(), or until it
   * can be used no more.
   */
  Napi::Value create(Napi::Env env, std::shared_ptr<Range> range, std::shared_ptr<void> owner);

  /** Let go of the owner. */
  void close();

private:
  struct Lease;
  std::shared_ptr<Lease> lease_;
};

} // namespace kvm
