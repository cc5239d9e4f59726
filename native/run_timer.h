#pragma once

#include "uapi.h"

#include <signal.h>
#include <sys/types.h>
#include <time.h>

#include <atomic>
#include <cstdint>

namespace kvm {

/** What ended a run, beside its errno. */
struct RunResult {
  int error;
  bool timedOut;
  bool kicked;
};

/** The part of a vCPU that other threads may touch: who runs it, and whether they are to stop. */
struct RunControl {
  kvm_run *run = nullptr;
  std::atomic<bool> kickPending{false};
  std::atomic<pid_t> thread{0};
  int64_t deadline = 0; // of the budget in force, CLOCK_MONOTONIC nanoseconds; 0 before the first

  /** Make the current KVM_RUN, or else the next, return. Any thread; docs/kick.md has the argument.
   */
  void kick();
};

// A day: any longer budget is a mistake.
constexpr double kMaxBudgetMs = 86400000;

/** CLOCK_MONOTONIC in nanoseconds. */
int64_t monotonicNow();

/**
 * Bound KVM_RUN in time. One per environment, hence one per thread: its POSIX timer signals that
 * thread alone. The timer is not armed per run, which would cost two system calls per exit: it
 * stays armed for an earlier deadline and the handler moves it on.
 */
class RunTimer {
public:
  RunTimer() = default;
  RunTimer(const RunTimer &) = delete;
  RunTimer &operator=(const RunTimer &) = delete;
  ~RunTimer();

  /** Prepare the timer on the calling thread; returns an errno or 0. */
  int prepare();

  /** Run the vCPU until it exits, is kicked, or its deadline has passed. */
  RunResult run(int vcpuFd, RunControl &control);

  /**
   * Make an ioctl that may go on for ever, and that a signal ends, until a deadline; returns an
   * errno or 0. After the deadline signals come again and again: the first may be there before the
   * ioctl is.
   */
  int until(int64_t deadline, int fd, unsigned long request, void *argument);

private:
  static void onSignal(int signal, siginfo_t *info, void *context);
  void onExpiry();
  /** Have the timer fire at the deadline, and then each `againNs`, once if that is 0. */
  void arm(int64_t deadline, long againNs = 0);
  RunResult enter(int vcpuFd, RunControl &control);

  // Shared with the handler, which runs on the same thread: volatile orders the two.
  volatile int64_t deadline_ = 0; // of the current run, 0 outside one
  volatile int64_t armedFor_ = 0; // when the timer will fire, 0 if it will not
  volatile bool expired_ = false;
  kvm_run *volatile run_ = nullptr;

  timer_t timer_{};
  pid_t thread_ = 0; // 0 until prepared
};

} // namespace kvm
