#include "external_buffer.h"

#include <utility>

namespace kvm {

/** What the ArrayBuffer, its backing store and the handle share; of one environment and thread. */
struct ExternalBuffer::Lease {
  std::shared_ptr<Range> range;
  std::shared_ptr<void> owner;
  Napi::Reference<Napi::ArrayBuffer> buffer;   // strong while the handle is open
  Napi::Reference<Napi::ArrayBuffer> sentinel; // strong for as long as this lives
  uint8_t sentinelByte = 0;
  bool freed = false; // the backing store is

  /** Whether the backing store may be in another ArrayBuffer by now. */
  bool moved() const {
    Napi::HandleScope scope(buffer.Env());
    Napi::ArrayBuffer value = buffer.Value();
    return value.IsEmpty() || value.IsDetached();
  }

  /**
   * As the environment ends, Node detaches every buffer and runs its finalizer, also if its backing
   * store is on another thread by then; nobody tells when that thread is done. Keep those addresses
   * for good: they are address space, and no memory.
   */
  void environmentEnds() {
    if (!freed && moved()) {
      new std::shared_ptr<Range>(range);
    }
  }
};

ExternalBuffer::~ExternalBuffer() {
  if (lease_) {
    lease_->buffer.Unref();
  }
}

Napi::Value ExternalBuffer::value() const { return lease_->buffer.Value(); }

Napi::Value ExternalBuffer::create(Napi::Env env, std::shared_ptr<Range> range,
                                   std::shared_ptr<void> owner) {
  using Held = std::shared_ptr<Lease>;
  auto lease = std::make_shared<Lease>();
  lease->range = std::move(range);
  lease->owner = std::move(owner);
  auto byStore = std::make_unique<Held>(lease);
  auto buffer = Napi::ArrayBuffer::New(
      env, lease->range->address, lease->range->size,
      [](Napi::Env, void *, Held *held) {
        (*held)->freed = true;
        delete held;
      },
      byStore.get());
  byStore.release();
  lease->buffer = Napi::Persistent(buffer);
  // Node goes through its buffers backwards: look at this one's state just before it does.
  auto bySentinel = std::make_unique<std::weak_ptr<Lease>>(lease);
  auto sentinel = Napi::ArrayBuffer::New(
      env, &lease->sentinelByte, 1,
      [](Napi::Env, void *, std::weak_ptr<Lease> *watched) {
        if (auto living = watched->lock()) {
          living->environmentEnds();
        }
        delete watched;
      },
      bySentinel.get());
  bySentinel.release();
  lease->sentinel = Napi::Persistent(sentinel);
  auto byBuffer = std::make_unique<Held>(lease);
  buffer.AddFinalizer([](Napi::Env, Held *held) { delete held; }, byBuffer.get());
  byBuffer.release();
  lease_ = std::move(lease);
  return buffer;
}

void ExternalBuffer::close() {
  if (lease_) {
    lease_->buffer.Unref();
    lease_->owner.reset();
    lease_.reset();
  }
}

} // namespace kvm
