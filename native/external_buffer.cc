#include "external_buffer.h"

namespace kvm {

Napi::Value ExternalBuffer::create(Napi::Env env, void *data, size_t size,
                                   std::shared_ptr<void> owner) {
  using Hold = std::shared_ptr<std::shared_ptr<void>>;
  owner_ = std::make_shared<std::shared_ptr<void>>(std::move(owner));
  auto hold = std::make_unique<Hold>(owner_);
  auto buffer = Napi::ArrayBuffer::New(
      env, data, size, [](Napi::Env, void *, Hold *held) { delete held; }, hold.get());
  hold.release();
  buffer_ = Napi::Persistent(buffer);
  return buffer;
}

void ExternalBuffer::detach() {
  if (empty()) {
    return;
  }
  Napi::HandleScope scope(buffer_.Env());
  buffer_.Value().Detach();
  buffer_.Reset();
  owner_->reset();
  owner_.reset();
}

} // namespace kvm
