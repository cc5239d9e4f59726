#include "run_timer.h"

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "requests.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace kvm {

namespace {

// Initial-exec: the handler must not be the first to touch a lazily allocated thread-local.
__attribute__((tls_model("initial-exec"))) thread_local RunTimer *currentTimer = nullptr;

// Not SIGUSR1, which starts Node's debugger, and not the two that glibc keeps.
int kickSignal() { return SIGRTMIN + 4; }

// Let compiler and CPU keep a byte that the kernel and other threads read as it is.
void setImmediateExit(kvm_run *run, uint8_t value) {
  __atomic_store_n(&run->immediate_exit, value, __ATOMIC_SEQ_CST);
}

} // namespace

int64_t monotonicNow() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
}

void RunControl::kick() {
  kickPending.store(true);
  setImmediateExit(run, 1);
  if (pid_t target = thread.load()) {
    syscall(SYS_tgkill, getpid(), target, kickSignal());
  }
}

RunTimer::~RunTimer() {
  if (currentTimer == this) {
    currentTimer = nullptr;
  }
  if (thread_) {
    timer_delete(timer_);
  }
}

void RunTimer::onSignal(int, siginfo_t *info, void *) {
  int saved = errno;
  // A kick needs no work: its sender has set immediate_exit. A signal outside a run is late: ignore
  // it.
  if (currentTimer && info->si_code == SI_TIMER) {
    currentTimer->onExpiry();
  }
  errno = saved;
}

void RunTimer::onExpiry() {
  armedFor_ = 0;
  if (deadline_ == 0) {
    return;
  }
  if (monotonicNow() < deadline_) {
    arm(deadline_);
    return;
  }
  expired_ = true;
  setImmediateExit(run_, 1);
}

void RunTimer::arm(int64_t deadline, long againNs) {
  armedFor_ = deadline;
  itimerspec when{};
  when.it_value.tv_sec = deadline / 1000000000;
  when.it_value.tv_nsec = deadline % 1000000000;
  when.it_interval.tv_nsec = againNs;
  timer_settime(timer_, TIMER_ABSTIME, &when, nullptr);
}

int RunTimer::prepare() {
  if (thread_) {
    return 0;
  }
  static std::once_flag once;
  static int installError = 0;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = onSignal;
    // SA_RESTART spares the rest of the process; KVM_RUN fails with EINTR all the same
    // (vcpu_run()).
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    installError = sigaction(kickSignal(), &action, nullptr) < 0 ? errno : 0;
  });
  if (installError) {
    return installError;
  }
  pid_t self = static_cast<pid_t>(syscall(SYS_gettid));
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kickSignal();
  event.sigev_notify_thread_id = self;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer_) < 0) {
    return errno;
  }
  thread_ = self;
  currentTimer = this;
  return 0;
}

int RunTimer::until(int64_t deadline, int fd, unsigned long request, void *argument) {
  constexpr long kAgainNs = 10000000;
  arm(deadline, kAgainNs);
  int error = ioctl(fd, request, argument) < 0 ? errno : 0;
  itimerspec never{};
  timer_settime(timer_, 0, &never, nullptr);
  armedFor_ = 0;
  return error;
}

RunResult RunTimer::run(int vcpuFd, RunControl &control) {
  run_ = control.run;
  expired_ = false;
  deadline_ = control.deadline;
  // A deadline that has passed fires at once.
  if (armedFor_ == 0 || armedFor_ > control.deadline) {
    arm(control.deadline);
  }
  // The next store, of immediate_exit, is the barrier between this one and the look at kickPending.
  control.thread.store(thread_, std::memory_order_relaxed);
  RunResult result = enter(vcpuFd, control);
  control.thread.store(0, std::memory_order_release);
  // Stay the thread's timer: a signal between two runs must still clear armedFor_.
  deadline_ = 0;
  return result;
}

RunResult RunTimer::enter(int vcpuFd, RunControl &control) {
  for (;;) {
    // Clear first and look second: who stops us sets its flag first and immediate_exit second, so
    // either the flag is seen here or immediate_exit is still set in KVM_RUN.
    setImmediateExit(control.run, 0);
    if (control.kickPending.load() && control.kickPending.exchange(false)) {
      return {EINTR, false, true};
    }
    if (expired_) {
      return {EINTR, true, false};
    }
    int error = ioctl(vcpuFd, kRun.number, 0) < 0 ? errno : 0;
    if (error != EINTR) {
      return {error, false, false};
    }
  }
}

} // namespace kvm
