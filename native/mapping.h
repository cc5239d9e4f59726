#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "fd.h"
#include "registry.h"

namespace kvm {

/** Own one range of the address space. */
class Range {
public:
  Range() = default;
  Range(uint8_t *address, size_t size) : address(address), size(size) {}
  Range(Range &&other) noexcept
      : address(std::exchange(other.address, nullptr)), size(std::exchange(other.size, 0)) {}
  Range &operator=(Range &&other) noexcept {
    std::swap(address, other.address);
    std::swap(size, other.size);
    return *this;
  }
  Range(const Range &) = delete;
  Range &operator=(const Range &) = delete;
  ~Range();

  /**
   * Take away what is mapped and keep the addresses, which read as zero from then on. Without the
   * memory for that, leave all as it is.
   */
  void discard();

  uint8_t *address = nullptr;
  size_t size = 0;
};

/**
 * Let go of a range: of its contents at once, of its addresses when the last buffer over it is
 * gone.
 */
void leave(std::shared_ptr<Range> &range);

struct MemoryOptions {
  size_t size = 0;
  size_t align = 0;       // 0: a page
  uint32_t hugeShift = 0; // hugetlb page size as a power of two, 0: no hugetlb
  bool thp = false;
  bool populate = false;
};

/**
 * Guest memory: one range that KVM reads through a memslot, and what JavaScript sees of it.
 *
 * Ownership: every Memory handle, every ArrayBuffer until its handle is closed, and every memslot
 * of a living VM hold a reference. With the last of them the memory goes; the addresses that
 * JavaScript was given stay mapped for as long as it may use them (external_buffer.h). So neither a
 * buffer nor a guest can reach what the process maps there afterwards.
 *
 * A memfd is mapped twice, once for KVM and once for JavaScript: holes that unmapPart() punches
 * into KVM's range cannot fault JavaScript. Anonymous memory has one range, so a hole costs it its
 * buffers. A file's range has no buffer, since a file can shrink and an access beyond its end kills
 * the process.
 */
class Mapping {
public:
  // Each returns null with errno set on failure.
  static std::shared_ptr<Mapping> memfd(const MemoryOptions &options);
  static std::shared_ptr<Mapping> anonymous(const MemoryOptions &options);
  static std::shared_ptr<Mapping> file(const std::string &path, uint64_t offset, size_t size,
                                       bool writable, bool shared);

  ~Mapping();

  uint8_t *address() const { return guest_->address; }
  size_t size() const { return guest_->size; }
  uint32_t number() const { return number_; }
  bool contains(uint64_t address, uint64_t size) const;

  /** Return what a buffer is to be over, or null with errno set if the memory may have none. */
  std::shared_ptr<Range> view();

  /** Drop the page table entries of a part, so that the next access faults; returns an errno or 0.
   */
  int dontNeed(size_t offset, size_t size);

  /** Take a part away from KVM for good; returns an errno or 0. */
  int unmapPart(size_t offset, size_t size);

  /** Let a part be written through KVM's range, or only read; returns an errno or 0. */
  int protectPart(size_t offset, size_t size, bool writable);

private:
  Mapping() = default;
  static std::shared_ptr<Mapping> registered(std::shared_ptr<Mapping> mapping);

  bool sharesRange() const { return !view_; }

  std::shared_ptr<Range> guest_; // what memslots point into
  std::shared_ptr<Range> view_;  // JavaScript's second mapping of a memfd
  bool bufferAllowed_ = true;
  bool holed_ = false;
  std::mutex lock_; // guards holed_, and new owners of guest_
  uint32_t number_ = 0;
};

} // namespace kvm
