// SPDX-License-Identifier: MIT
/* Loads modules into the lab's kernel, and takes them out again. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULES_MAX 8
#define UNLOAD_TRIES 200

static void complain(const char *what, const char *about);

/* As src/lab/modular-image.ts writes them: this, then the file, rounded up to 16 bytes. */
struct module_header {
  char name[48];
  uint64_t size;
  uint64_t unused;
};

/* Names of the modules that are loaded, as the kernel has them: with _ for -. */
static char loaded[MODULES_MAX][sizeof(((struct module_header *)0)->name)];
static size_t loaded_count;

static bool is_loaded(const char *name) {
  for (size_t i = 0; i < loaded_count; i++)
    if (strcmp(loaded[i], name) == 0)
      return true;
  return false;
}

static bool read_all(int fd, void *to, size_t size, off_t at) {
  while (size > 0) {
    ssize_t n = pread(fd, to, size, at);
    if (n <= 0)
      return false;
    to = (char *)to + n, size -= (size_t)n, at += n;
  }
  return true;
}

/* What a module's name and a dot stand before on the kernel's command line, as modprobe passes it
 * on. */
static const char *parameters_of(const char *name) {
  static char line[4096], found[4096];
  int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
  size_t length = strlen(name), used = 0;
  close(fd);
  line[size < 0 ? 0 : size] = 0;
  for (char *rest = line, *word; (word = strsep(&rest, " \n"));) {
    size_t i = 0;
    while (i < length && (word[i] == name[i] || (word[i] == '-' && name[i] == '_')))
      i++;
    if (i < length || word[i] != '.')
      continue;
    size_t n = strlen(word + i + 1);
    memcpy(found + used, word + i + 1, n);
    used += n;
    found[used++] = ' ';
  }
  found[used] = 0;
  return found;
}

static void load(const char *name, const void *file, size_t size) {
  /* The processor has one vendor. */
  if (strcmp(name, "kvm_amd") == 0 && is_loaded("kvm_intel"))
    return;
  if (syscall(SYS_init_module, file, size, parameters_of(name)) == 0)
    strcpy(loaded[loaded_count++], name);
  else if (errno != EOPNOTSUPP && errno != ENODEV)
    complain("cannot load the module ", name);
}

/* Load the modules that lie in a file from a place on, in their order, until a name is empty. */
static void load_modules(const char *path, off_t at) {
  struct module_header header;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  while (loaded_count < MODULES_MAX && read_all(fd, &header, sizeof(header), at) &&
         header.name[0]) {
    at += sizeof(header);
    void *file =
        mmap(NULL, header.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    header.name[sizeof(header.name) - 1] = 0;
    for (char *p = header.name; *p; p++)
      *p = *p == '-' ? '_' : *p;
    if (file != MAP_FAILED && read_all(fd, file, header.size, at))
      load(header.name, file, header.size);
    else
      complain("cannot read the module ", header.name);
    munmap(file, header.size);
    at += (off_t)((header.size + 15) / 16 * 16);
  }
  close(fd);
}

/* The kernel has warned, died in part, found a page that is not as it should be, or locked up:
 * TAINT_WARN, TAINT_DIE, TAINT_BAD_PAGE and TAINT_SOFTLOCKUP of linux/panic.h. */
static unsigned taints(void) {
  unsigned all = 0;
  char text[32];
  int fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text));
  close(fd);
  for (ssize_t i = 0; i < size && text[i] >= '0' && text[i] <= '9'; i++)
    all = all * 10 + (unsigned)(text[i] - '0');
  return all & (1u << 9 | 1u << 7 | 1u << 5 | 1u << 14);
}

/* The last one first. Who used one has let it go, but the kernel may not have heard of it yet. */
static bool unload_modules(void) {
  for (; loaded_count > 0; loaded_count--) {
    const char *name = loaded[loaded_count - 1];
    int tries = 0;
    while (syscall(SYS_delete_module, name, O_NONBLOCK) < 0) {
      if (++tries == UNLOAD_TRIES) {
        complain("somebody uses the module ", name);
        return false;
      }
      usleep(10000);
    }
  }
  return true;
}
