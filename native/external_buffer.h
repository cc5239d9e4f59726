#pragma once

#include <napi.h>

#include <memory>

namespace kvm {

/**
 * One environment's external ArrayBuffer over native memory.
 *
 * Ownership: the ArrayBuffer holds a reference to the memory's owner until it is collected or
 * detached, whichever is first, so memory is never unmapped under a buffer. detach() drops that
 * reference at once and does not wait for the collector.
 */
class ExternalBuffer {
public:
  bool empty() const { return buffer_.IsEmpty(); }
  Napi::Value value() const { return buffer_.Value(); }

  /** Make the buffer; only while empty. */
  Napi::Value create(Napi::Env env, void *data, size_t size, std::shared_ptr<void> owner);

  /** Empty every view over the buffer in this environment, and let go of the owner. */
  void detach();

private:
  Napi::Reference<Napi::ArrayBuffer> buffer_;
  std::shared_ptr<std::shared_ptr<void>> owner_;
};

} // namespace kvm
