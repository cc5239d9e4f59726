#pragma once

#include <future>
#include <memory>
#include <thread>

#include "run_timer.h"

namespace kvm {

struct VcpuState;

/**
 * A KVM_RUN on a thread of its own. The thread waits, bound to the vCPU, until go(). It always
 * ends: who destroys the run kicks the vCPU and joins the thread.
 */
class BackgroundRun {
public:
  /**
   * Start the thread, and wait until it can enter the guest without delay.
   * @throws std::system_error if there can be no more threads
   */
  BackgroundRun(std::shared_ptr<VcpuState> vcpu, int64_t budgetNs);
  BackgroundRun(const BackgroundRun &) = delete;
  BackgroundRun &operator=(const BackgroundRun &) = delete;
  ~BackgroundRun();

  /** Let the thread enter the guest; again does nothing. */
  void go();

  /** Wait for the end of the run, after go(). */
  RunResult join();

private:
  void body(int64_t budgetNs);

  std::shared_ptr<VcpuState> vcpu_;
  RunResult result_{};
  bool gone_ = false;
  std::promise<void> bound_;
  std::promise<void> gate_;
  std::thread thread_; // last: it uses the rest
};

} // namespace kvm
