#pragma once

#include <napi.h>

#include <array>
#include <memory>

#include "run_timer.h"

namespace kvm {

/** The JavaScript classes that the addon defines, one per kind of handle. */
enum class Kind {
  System,
  Vm,
  Vcpu,
  Device,
  Memory,
  File,
  VfioContainer,
  VfioGroup,
  VfioDevice,
  Count
};

/**
 * Everything that belongs to one environment (the main thread or one worker). Node deletes it as
 * the environment ends; nothing that refers to JavaScript values is static.
 */
class Addon {
public:
  static Addon &of(Napi::Env env) { return *env.GetInstanceData<Addon>(); }

  /** Make a JavaScript object of `kind` that owns `state`. */
  Napi::Object wrap(Kind kind, std::shared_ptr<void> state);

  /** Hand a constructor the state that wrap() left for it; empty if JavaScript called `new` itself.
   */
  std::shared_ptr<void> take() { return std::move(pending_); }

  Napi::FunctionReference errorClass;
  std::array<Napi::FunctionReference, static_cast<size_t>(Kind::Count)> classes;
  RunTimer timer;

private:
  std::shared_ptr<void> pending_;
};

} // namespace kvm
