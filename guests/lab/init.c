// SPDX-License-Identifier: MIT
/*
 * Process 1 of the lab: mount what the agent needs, run it with its standard output on the second
 * serial port, say how it ended, wait until the port is empty, stop the emulator or power off.
 * Everything it has to say itself goes to the console.
 *
 * /lab/argv holds the agent's argument vector, each string ended by a NUL. /lab/modules, if it is
 * there, holds modules of the kernel, which are loaded first. A machine is saved without them;
 * those that lie behind the job, which may be others, are loaded then.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "modules.h"

#define RESULTS "/dev/ttyS1"
#define ARGV_FILE "/lab/argv"
#define ARGV_BYTES 65536
#define ARGV_MAX 256

#define MODULES_FILE "/lab/modules"
/* What a machine is given once it has been saved: the job, and modules behind it. */
#define JOB "/dev/pmem1"
#define MODULES_AT (4 << 20)

static const struct {
  const char *type, *source, *target, *options;
} mounts[] = {
    {"proc", "proc", "/proc", NULL},
    {"sysfs", "sysfs", "/sys", NULL},
    {"devtmpfs", "devtmpfs", "/dev", NULL},
    {"tmpfs", "tmpfs", "/tmp", NULL},
    {"debugfs", "debugfs", "/sys/kernel/debug", NULL},
    {"tracefs", "tracefs", "/sys/kernel/tracing", NULL},
    /* Node.js, where the host has put it into memory; else it is in the initramfs. */
    {"erofs", "/dev/pmem0", "/node", "dax=always"},
};

static void put(int fd, const char *text) {
  size_t left = strlen(text);
  while (left > 0) {
    ssize_t n = write(fd, text, left);
    if (n < 0 && errno != EINTR)
      return;
    if (n > 0)
      text += n, left -= (size_t)n;
  }
}

static void complain(const char *what, const char *about) {
  put(2, "lab: ");
  put(2, what);
  put(2, about);
  put(2, "\n");
}

static void mount_all(void) {
  for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
    const char *source = mounts[i].source, *target = mounts[i].target;
    unsigned long flags = mounts[i].options ? MS_RDONLY : 0;
    if (source[0] == '/' && access(source, F_OK) < 0)
      continue;
    mkdir(target, 0755);
    if (mount(source, target, mounts[i].type, flags, mounts[i].options) == 0 || errno == EBUSY)
      continue;
    /* EROFS of 5.10 maps nothing in place and does not know the option: read it as from a disk. */
    if (errno == EINVAL && mounts[i].options &&
        mount(source, target, mounts[i].type, flags, NULL) == 0)
      continue;
    complain("cannot mount ", target);
  }
}

/* The port carries bytes: no echo, no translation of newlines. */
static int open_results(void) {
  int fd = open(RESULTS, O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct termios t;
  if (fd < 0 || tcgetattr(fd, &t) < 0)
    return fd;
  cfmakeraw(&t);
  cfsetspeed(&t, B115200);
  t.c_cflag |= CLOCAL;
  tcsetattr(fd, TCSANOW, &t);
  return fd;
}

static char *agent_argv[ARGV_MAX + 1];

static int read_argv(void) {
  static char text[ARGV_BYTES + 1];
  int fd = open(ARGV_FILE, O_RDONLY | O_CLOEXEC), count = 0;
  ssize_t size = 0, n;
  if (fd < 0)
    return 0;
  while ((n = read(fd, text + size, (size_t)(ARGV_BYTES - size))) > 0)
    size += n;
  close(fd);
  for (char *p = text; p < text + size && count < ARGV_MAX; p += strlen(p) + 1)
    agent_argv[count++] = p;
  return count;
}

static void run_agent(int results) {
  static char *env[] = {"PATH=/usr/bin:/bin", "HOME=/tmp", "TERM=dumb", "KVM_MEMTYPE_LAB=1", NULL};
  int null = open("/dev/null", O_RDWR);
  dup2(null, 0);
  dup2(results, 1);
  chdir("/tmp");
  execve(agent_argv[0], agent_argv, env);
  complain("cannot run ", agent_argv[0]);
  _exit(127);
}

/* Power-off drops what the transmitter still holds. */
static void drain(int fd) {
  int lsr = 0;
  tcdrain(fd);
  for (int i = 0; i < 1000; i++) {
    if (ioctl(fd, TIOCSERGETLSR, &lsr) < 0 || (lsr & TIOCSER_TEMT))
      return;
    usleep(1000);
  }
}

/* Bochs' magic breakpoint: the emulator goes on to its next command. On any other machine this does
 * nothing. */
static void stop_machine(void) { __asm__ volatile("xchg %%bx, %%bx" ::: "memory"); }

/* Reap whatever ends, until the agent does. Where the agent stops itself, the machine may be saved.
 */
static int wait_for(pid_t agent, int results, unsigned taints_before) {
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, WUNTRACED);
    if (pid < 0 && errno == EINTR)
      continue;
    if (pid < 0)
      return 255;
    if (pid != agent)
      continue;
    if (!WIFSTOPPED(status))
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    bool modular = loaded_count > 0;
    if (!unload_modules() || (modular && taints() != taints_before)) {
      /* A machine that were saved now would not do for other modules: what these have done to the
       * kernel is in it. */
      complain("not fit to be saved: ", "the kernel was left other than it was");
      kill(agent, SIGKILL);
      continue;
    }
    /* What a port still holds would come out of each copy. */
    drain(results);
    usleep(50000);
    stop_machine();
    if (modular)
      load_modules(JOB, MODULES_AT);
    kill(agent, SIGCONT);
  }
}

static void report(int fd, int status) {
  char text[] = "\n#lab exit 000\n";
  text[11] = (char)('0' + status / 100 % 10);
  text[12] = (char)('0' + status / 10 % 10);
  text[13] = (char)('0' + status % 10);
  put(fd, text);
}

int main(void) {
  int results, status = 127;
  pid_t agent;

  mount_all();
  results = open_results();
  if (results < 0) {
    complain("no results port ", RESULTS);
  } else {
    put(results, "#lab start\n");
    if (read_argv() == 0) {
      complain("nothing to run: ", ARGV_FILE);
    } else {
      unsigned before = taints();
      load_modules(MODULES_FILE, 0);
      agent = fork();
      if (agent == 0)
        run_agent(results);
      status = agent < 0 ? 127 : wait_for(agent, results, before);
    }
    report(results, status);
    drain(results);
  }
  sync();
  stop_machine();
  reboot(RB_POWER_OFF);
  for (;;)
    pause();
}
