#include "background_run.h"

#include <sys/ioctl.h>

#include "requests.h"
#include "vcpu.h"

namespace kvm {

BackgroundRun::BackgroundRun(std::shared_ptr<VcpuState> vcpu, int64_t budgetNs)
    : vcpu_(std::move(vcpu)), thread_([this, budgetNs] { body(budgetNs); }) {
  bound_.get_future().wait();
}

BackgroundRun::~BackgroundRun() {
  if (thread_.joinable()) {
    vcpu_->control.kick();
    join();
  }
}

void BackgroundRun::body(int64_t budgetNs) {
  RunTimer timer;
  // KVM binds a vCPU to the thread that runs it, and up to Linux 6.12 waits for an RCU grace period
  // then: have that behind us before the gate. This finishes the last exit and does not enter the
  // guest.
  __atomic_store_n(&vcpu_->control.run->immediate_exit, 1, __ATOMIC_SEQ_CST);
  ioctl(vcpu_->fd.get(), kRun.number, 0);
  int error = timer.prepare();
  bound_.set_value();
  gate_.get_future().wait();
  if (error) {
    result_ = {error, false, false};
    return;
  }
  vcpu_->control.deadline = monotonicNow() + budgetNs;
  result_ = timer.run(vcpu_->fd.get(), vcpu_->control);
}

void BackgroundRun::go() {
  if (!gone_) {
    gone_ = true;
    gate_.set_value();
  }
}

RunResult BackgroundRun::join() {
  go();
  thread_.join();
  return result_;
}

} // namespace kvm
