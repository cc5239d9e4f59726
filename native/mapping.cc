#include "mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 // linux/include/uapi/asm-generic/mman-common.h, since 5.14
#endif
#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26 // linux/include/uapi/linux/memfd.h
#endif

namespace kvm {

namespace {

constexpr size_t kPage = 4096;

/** Reserve `size` bytes at a multiple of `align`: map more than enough, and trim both ends. */
Range reserve(size_t size, size_t align) {
  size_t total = size + align;
  void *start = mmap(nullptr, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) {
    return {};
  }
  auto first = reinterpret_cast<uintptr_t>(start);
  uintptr_t aligned = (first + align - 1) / align * align;
  if (aligned > first) {
    munmap(start, aligned - first);
  }
  if (first + total > aligned + size) {
    munmap(reinterpret_cast<void *>(aligned + size), first + total - aligned - size);
  }
  // Ownership: the Range returned unmaps what is left.
  return {reinterpret_cast<uint8_t *>(aligned), size};
}

/** Map over a fresh reservation, whose Range then owns the new mapping; null with errno set on
 * failure. */
std::shared_ptr<Range> mapAligned(size_t size, size_t align, int protection, int flags, int fd,
                                  off_t offset) {
  auto range = std::make_shared<Range>(reserve(size, align));
  if (!range->address ||
      mmap(range->address, size, protection, flags | MAP_FIXED, fd, offset) == MAP_FAILED) {
    int error = errno;
    range.reset();
    errno = error;
  }
  return range;
}

size_t alignmentOf(const MemoryOptions &options) {
  size_t huge = options.hugeShift ? size_t{1} << options.hugeShift : kPage;
  size_t transparent = options.thp ? size_t{1} << 21 : kPage;
  return std::max({huge, transparent, options.align});
}

/** Apply THP advice and population to a fresh range; returns false with errno set. */
bool advise(const Range &range, const MemoryOptions &options) {
  if (options.thp && madvise(range.address, range.size, MADV_HUGEPAGE) < 0) {
    return false;
  }
  if (!options.populate || madvise(range.address, range.size, MADV_POPULATE_WRITE) == 0) {
    return true;
  }
  if (errno != EINVAL) {
    return false;
  }
  // A kernel before 5.14 does not know the advice: write to each page. The range is new, so all of
  // it is zero.
  for (size_t offset = 0; offset < range.size; offset += kPage) {
    static_cast<volatile uint8_t *>(range.address)[offset] = 0;
  }
  return true;
}

/** A regular file must cover the whole range: KVM would only see EFAULT later. */
bool coversFile(int fd, uint64_t offset, size_t size) {
  struct stat status;
  if (fstat(fd, &status) < 0) {
    return false;
  }
  uint64_t length = static_cast<uint64_t>(status.st_size);
  if (S_ISREG(status.st_mode) && (offset > length || size > length - offset)) {
    errno = ENXIO;
    return false;
  }
  return true;
}

} // namespace

Range::~Range() {
  if (address) {
    munmap(address, size);
  }
}

void Range::discard() {
  // Prepare first: what fails after MAP_FIXED has unmapped would leave a hole.
  void *zeros = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (zeros == MAP_FAILED) {
    return;
  }
  if (mremap(zeros, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, address) == MAP_FAILED) {
    munmap(zeros, size);
  }
}

void leave(std::shared_ptr<Range> &range) {
  // The other owners only let go of it: if they just have, this is in vain, and harmless.
  if (range && range.use_count() > 1) {
    range->discard();
  }
  range.reset();
}

std::shared_ptr<Mapping> Mapping::registered(std::shared_ptr<Mapping> mapping) {
  mapping->number_ = Registry<Mapping>::add(mapping);
  return mapping;
}

Mapping::~Mapping() {
  Registry<Mapping>::remove(number_);
  leave(guest_);
  leave(view_);
}

std::shared_ptr<Mapping> Mapping::memfd(const MemoryOptions &options) {
  unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  if (options.hugeShift) {
    flags |= MFD_HUGETLB | options.hugeShift << MFD_HUGE_SHIFT;
  }
  UniqueFd fd(memfd_create("kvm-memtype", flags));
  // Seal the size: who reopens the memfd through /proc must not be able to fault us by shrinking
  // it.
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(options.size)) < 0 ||
      fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
    return nullptr;
  }
  std::shared_ptr<Mapping> mapping(new Mapping());
  size_t align = alignmentOf(options);
  // Ownership: both ranges belong to the Mapping; the memfd lives on through them.
  for (auto *range : {&mapping->guest_, &mapping->view_}) {
    *range = mapAligned(options.size, align, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (!*range) {
      return nullptr;
    }
  }
  return advise(*mapping->guest_, options) ? registered(mapping) : nullptr;
}

std::shared_ptr<Mapping> Mapping::anonymous(const MemoryOptions &options) {
  std::shared_ptr<Mapping> mapping(new Mapping());
  // Ownership: the Mapping's.
  mapping->guest_ = mapAligned(options.size, alignmentOf(options), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (!mapping->guest_ || !advise(*mapping->guest_, options)) {
    return nullptr;
  }
  return registered(mapping);
}

std::shared_ptr<Mapping> Mapping::file(const std::string &path, uint64_t offset, size_t size,
                                       bool writable, bool shared) {
  int mode = writable && shared ? O_RDWR : O_RDONLY;
  UniqueFd fd(open(path.c_str(), mode | O_CLOEXEC | O_NONBLOCK));
  if (!fd || !coversFile(fd.get(), offset, size)) {
    return nullptr;
  }
  std::shared_ptr<Mapping> mapping(new Mapping());
  int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  int flags = shared ? MAP_SHARED : MAP_PRIVATE;
  // Ownership: the Mapping's; the file stays open through the range.
  mapping->guest_ =
      mapAligned(size, kPage, protection, flags, fd.get(), static_cast<off_t>(offset));
  mapping->bufferAllowed_ = false;
  return mapping->guest_ ? registered(mapping) : nullptr;
}

bool Mapping::contains(uint64_t address, uint64_t size) const {
  auto first = reinterpret_cast<uint64_t>(guest_->address);
  return address >= first && address - first <= guest_->size &&
         size <= guest_->size - (address - first);
}

std::shared_ptr<Range> Mapping::view() {
  std::lock_guard<std::mutex> guard(lock_);
  if (!bufferAllowed_ || (sharesRange() && holed_)) {
    errno = EPERM;
    return nullptr;
  }
  return sharesRange() ? guest_ : view_;
}

int Mapping::dontNeed(size_t offset, size_t size) {
  return madvise(guest_->address + offset, size, MADV_DONTNEED) < 0 ? errno : 0;
}

int Mapping::unmapPart(size_t offset, size_t size) {
  std::lock_guard<std::mutex> guard(lock_);
  if (sharesRange() && guest_.use_count() > 1) {
    return EBUSY;
  }
  // Keep the addresses reserved: what the process maps next must not land inside a memslot.
  void *hole = mmap(guest_->address + offset, size, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (hole == MAP_FAILED) {
    return errno;
  }
  holed_ = true;
  return 0;
}

int Mapping::protectPart(size_t offset, size_t size, bool writable) {
  std::lock_guard<std::mutex> guard(lock_);
  // A write of JavaScript's to a part that may only be read would end the process.
  if (!writable && sharesRange() && guest_.use_count() > 1) {
    return EBUSY;
  }
  int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  if (mprotect(guest_->address + offset, size, protection) < 0) {
    return errno;
  }
  holed_ = holed_ || !writable;
  return 0;
}

} // namespace kvm
