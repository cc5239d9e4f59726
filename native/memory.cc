#include "memory.h"

#include <cerrno>

#include "args.h"

namespace kvm {

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMaxSize = uint64_t{1} << 40;
// Node 20 takes no longer external buffer.
constexpr uint64_t kMaxBuffer = uint64_t{1} << 32;

size_t argPages(const Napi::CallbackInfo &info, size_t index, const char *name, uint64_t max) {
  uint64_t value = argSize(info, index, name);
  if (value == 0 || value > max || value % kPage != 0) {
    failArgument(info.Env(), name,
                 "must be a positive multiple of 4096 up to " + std::to_string(max));
  }
  return value;
}

struct Part {
  size_t offset;
  size_t size;
};

Part argPart(const Napi::CallbackInfo &info, size_t total) {
  uint64_t offset = argSize(info, 0, "offset");
  uint64_t size = argPages(info, 1, "size", total);
  if (offset % kPage != 0 || offset > total - size) {
    failArgument(info.Env(), "offset",
                 "must be a multiple of 4096, and offset + size within the memory");
  }
  return {offset, size};
}

uint64_t argOffset(const Napi::CallbackInfo &info, size_t index) {
  uint64_t offset = argSize(info, index, "offset");
  if (offset % kPage != 0) {
    failArgument(info.Env(), "offset", "must be a multiple of 4096");
  }
  return offset;
}

MemoryOptions argOptions(const Napi::CallbackInfo &info) {
  MemoryOptions options;
  options.size = argPages(info, 1, "size", kMaxSize);
  options.align = argPages(info, 2, "align", uint64_t{1} << 30);
  options.hugeShift = argU32(info, 3, "hugeShift", 30);
  options.thp = argBool(info, 4, "thp");
  options.populate = argBool(info, 5, "populate");
  if ((options.align & (options.align - 1)) != 0) {
    failArgument(info.Env(), "align", "must be a power of two");
  }
  if (options.hugeShift && (options.hugeShift < 21 || options.size >> options.hugeShift == 0 ||
                            options.size % (size_t{1} << options.hugeShift) != 0)) {
    failArgument(info.Env(), "hugetlb", "needs a size that is a multiple of the huge page");
  }
  return options;
}

Napi::Value wrapMapping(const Napi::CallbackInfo &info, std::shared_ptr<Mapping> mapping,
                        const char *operation) {
  if (!mapping) {
    fail(info.Env(), kMemory, operation, errno);
  }
  return Addon::of(info.Env()).wrap(Kind::Memory, std::move(mapping));
}

} // namespace

std::shared_ptr<Mapping> findMapping(const Napi::CallbackInfo &info, uint64_t address,
                                     uint64_t size) {
  auto memory = Registry<Mapping>::findIf(
      [&](const Mapping &mapping) { return mapping.contains(address, size); });
  if (!memory) {
    failArgument(info.Env(), "userspaceAddr", "and size must name a part of one open HostMemory");
  }
  return memory;
}

Napi::Function MemoryHandle::define(Napi::Env env, const char *name) {
  return DefineClass(
      env, name,
      {method("buffer", &MemoryHandle::buffer), method("address", &MemoryHandle::address),
       method("size", &MemoryHandle::size), method("number", &MemoryHandle::number),
       method("dontNeed", &MemoryHandle::dontNeed), method("unmapPart", &MemoryHandle::unmapPart),
       method("protectPart", &MemoryHandle::protectPart), method("closed", &MemoryHandle::closed),
       method("close", &MemoryHandle::close)});
}

Napi::Value MemoryHandle::buffer(const Napi::CallbackInfo &info) {
  Mapping &mapping = state(info, "buffer");
  if (mapping.size() > kMaxBuffer) {
    fail(info.Env(), kMemory, "buffer", EFBIG, "memory above 4 GiB has no buffer");
  }
  if (!buffer_.empty()) {
    return buffer_.value();
  }
  auto view = mapping.view();
  if (!view) {
    fail(info.Env(), kMemory, "buffer", errno,
         "a file mapping has no buffer, nor has anonymous memory with an unmapped part");
  }
  // Ownership: the contents stay until close(), even if the handle is collected.
  return buffer_.create(info.Env(), std::move(view), shared());
}

Napi::Value MemoryHandle::address(const Napi::CallbackInfo &info) {
  auto address = reinterpret_cast<uint64_t>(state(info, "address").address());
  return Napi::BigInt::New(info.Env(), address);
}

Napi::Value MemoryHandle::size(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(state(info, "size").size()));
}

Napi::Value MemoryHandle::number(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), state(info, "number").number());
}

Napi::Value MemoryHandle::dontNeed(const Napi::CallbackInfo &info) {
  Mapping &mapping = state(info, "dontNeed");
  Part part = argPart(info, mapping.size());
  if (int error = mapping.dontNeed(part.offset, part.size)) {
    fail(info.Env(), kMemory, "MADV_DONTNEED", error);
  }
  return info.Env().Undefined();
}

Napi::Value MemoryHandle::unmapPart(const Napi::CallbackInfo &info) {
  Mapping &mapping = state(info, "unmapPart");
  Part part = argPart(info, mapping.size());
  if (int error = mapping.unmapPart(part.offset, part.size)) {
    fail(info.Env(), kMemory, "unmapPart", error,
         error == EBUSY ? "a buffer over this memory may be in use" : "");
  }
  return info.Env().Undefined();
}

Napi::Value MemoryHandle::protectPart(const Napi::CallbackInfo &info) {
  Mapping &mapping = state(info, "protectPart");
  Part part = argPart(info, mapping.size());
  if (int error = mapping.protectPart(part.offset, part.size, argBool(info, 2, "writable"))) {
    fail(info.Env(), kMemory, "protectPart", error,
         error == EBUSY ? "a buffer over this memory may be in use" : "");
  }
  return info.Env().Undefined();
}

Napi::Value MemoryHandle::close(const Napi::CallbackInfo &info) {
  buffer_.close();
  state_.reset();
  return info.Env().Undefined();
}

Napi::Value createMemory(const Napi::CallbackInfo &info) {
  std::string backing = argString(info, 0, "backing");
  MemoryOptions options = argOptions(info);
  if (backing == "memfd") {
    return wrapMapping(info, Mapping::memfd(options), "memfd");
  }
  if (backing != "anonymous") {
    failArgument(info.Env(), "backing", "must be 'memfd' or 'anonymous'");
  }
  if (options.hugeShift) {
    failArgument(info.Env(), "hugetlb", "needs the memfd backing");
  }
  return wrapMapping(info, Mapping::anonymous(options), "mmap");
}

Napi::Value mapFile(const Napi::CallbackInfo &info) {
  std::string path = argString(info, 0, "path");
  uint64_t offset = argOffset(info, 1);
  size_t size = argPages(info, 2, "size", kMaxSize);
  bool writable = argBool(info, 3, "writable");
  bool shared = argBool(info, 4, "shared");
  return wrapMapping(info, Mapping::file(path, offset, size, writable, shared), "mmap");
}

Napi::Value attachMemory(const Napi::CallbackInfo &info) {
  auto mapping = Registry<Mapping>::find(argU32(info, 0, "number"));
  if (!mapping) {
    fail(info.Env(), kClosed, "attachMemory", EBADF);
  }
  return Addon::of(info.Env()).wrap(Kind::Memory, std::move(mapping));
}

} // namespace kvm
