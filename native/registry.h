#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace kvm {

/**
 * Find the live objects of one class by number, from any thread of the process. A number names one
 * object for ever; a registry keeps nothing alive.
 */
template <class T> class Registry {
public:
  static uint32_t add(const std::shared_ptr<T> &object) {
    std::lock_guard<std::mutex> guard(instance().lock_);
    instance().objects_[++instance().last_] = object;
    return instance().last_;
  }

  static void remove(uint32_t number) {
    std::lock_guard<std::mutex> guard(instance().lock_);
    instance().objects_.erase(number);
  }

  static std::shared_ptr<T> find(uint32_t number) {
    std::lock_guard<std::mutex> guard(instance().lock_);
    auto found = instance().objects_.find(number);
    return found == instance().objects_.end() ? nullptr : found->second.lock();
  }

  /** Return the first live object that `accept` takes. */
  template <class Accept> static std::shared_ptr<T> findIf(Accept accept) {
    // Keep every candidate until the lock is free: the last owner's destructor calls remove().
    std::map<uint32_t, std::shared_ptr<T>> live;
    {
      std::lock_guard<std::mutex> guard(instance().lock_);
      for (const auto &[number, object] : instance().objects_) {
        live[number] = object.lock();
      }
    }
    for (const auto &[number, object] : live) {
      if (object && accept(*object)) {
        return object;
      }
    }
    return nullptr;
  }

private:
  // Leak the one instance: threads may still use it while the process runs its static destructors.
  static Registry &instance() {
    static Registry *registry = new Registry();
    return *registry;
  }

  std::mutex lock_;
  std::map<uint32_t, std::weak_ptr<T>> objects_;
  uint32_t last_ = 0;
};

/** Make an object that Registry<T> knows by `object->number` until its destructor removes it. */
template <class T> std::shared_ptr<T> makeNumbered() {
  auto object = std::make_shared<T>();
  object->number = Registry<T>::add(object);
  return object;
}

} // namespace kvm
