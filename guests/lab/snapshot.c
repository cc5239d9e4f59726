// SPDX-License-Identifier: MIT
/*
 * Preloaded into Bochs 2.7, which saves a machine only by a button of its window.
 *
 * - Debugger command `source snapshot:DIR`: saves the machine into DIR: Bochs' own files, its RAM
 *   in DIR/ram, and DIR/saved once all is written.
 * - LAB_RAM=FILE in the environment: maps FILE, copy on write, as the machine's RAM.
 * - LAB_JOB=OFFSET:FILE: then maps FILE over it, OFFSET bytes into what Bochs has given out.
 *
 * Bochs' own memory.ram is left empty, so that a restored machine keeps what is mapped: several
 * share the page cache.
 */
#define _GNU_SOURCE
#include "preload.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMAND "snapshot:"
#define MIB ((size_t)1 << 20)
#define RAM_AT_LEAST (64 * MIB)
#define BIOS_AREA (2 * MIB)
#define PAGE 4096

static char *ram;
static size_t ram_size;
static bool saving;

__attribute__((noreturn)) static void die(const char *what) {
  perror(what);
  _exit(1);
}

/* Map a file, copy on write, into the RAM. */
static void map_file(size_t at, const char *path) {
  struct stat info;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info) < 0)
    die(path);
  if (info.st_size == 0 || at % PAGE != 0 || at > ram_size ||
      (size_t)info.st_size > ram_size - at) {
    fprintf(stderr, "%s: it does not fit the RAM\n", path);
    _exit(1);
  }
  int flags = MAP_PRIVATE | MAP_FIXED;
  if (mmap(ram + at, (size_t)info.st_size, PROT_READ | PROT_WRITE, flags, fd, 0) == MAP_FAILED)
    die(path);
  close(fd);
}

static void map_job(const char *job) {
  char *path;
  size_t at = strtoul(job, &path, 10);
  if (*path++ == ':')
    map_file(at, path);
}

/* operator new[]: the first large one is the machine's RAM. */
void *_Znam(size_t size) {
  const char *saved = getenv("LAB_RAM"), *job = getenv("LAB_JOB");
  if (ram || size < RAM_AT_LEAST) {
    void *p = malloc(size ? size : 1);
    if (!p)
      abort();
    return p;
  }
  ram_size = size;
  ram =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (ram == MAP_FAILED)
    die("RAM");
  if (saved)
    map_file(0, saved);
  if (job)
    map_job(job);
  return ram;
}

void _ZdaPv(void *p) {
  if (p && p == ram)
    return;
  free(p);
}

static bool write_range(int fd, size_t from, size_t to) {
  while (from < to) {
    ssize_t n = pwrite(fd, ram + from, to - from, (off_t)from);
    if (n <= 0)
      return false;
    from += (size_t)n;
  }
  return true;
}

/* Bochs gives RAM out from the start; what it has not given out is zero, and left out of the file.
 * So are the ROMs behind the RAM, a BIOS and less than a MiB besides: Bochs loads them at each
 * start.
 */
static bool write_ram(const char *path) {
  static const char zeros[PAGE];
  size_t pages = (ram_size / MIB * MIB - BIOS_AREA) / PAGE, from = 0, end = 0;
  unsigned char *resident = malloc(pages + 1);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || !resident || mincore(ram, pages * PAGE, resident) < 0)
    return false;
  for (size_t page = 0; page <= pages; page++) {
    bool used = page < pages && (resident[page] & 1) && memcmp(ram + page * PAGE, zeros, PAGE) != 0;
    if (used)
      continue;
    if (from < page && !write_range(fd, from * PAGE, end = page * PAGE))
      return false;
    from = page + 1;
  }
  free(resident);
  return ftruncate(fd, (off_t)end) == 0 && close(fd) == 0;
}

static bool in_directory(char *path, size_t size, const char *dir, const char *name) {
  return (size_t)snprintf(path, size, "%s/%s", dir, name) < size;
}

static void save(const char *dir) {
  char path[4096];
  void **sim = dlsym(RTLD_DEFAULT, "SIM");
  bool (*save_state)(void *, const char *) =
      (bool (*)(void *, const char *))dlsym(RTLD_DEFAULT, "_ZN13bx_real_sim_c10save_stateEPKc");
  if (!sim || !save_state || !ram) {
    fprintf(stderr, "snapshot: this Bochs cannot save\n");
    return;
  }
  saving = true;
  bool saved = save_state(*sim, dir);
  saving = false;
  if (!saved || !in_directory(path, sizeof(path), dir, "ram") || !write_ram(path) ||
      !in_directory(path, sizeof(path), dir, "saved"))
    fprintf(stderr, "snapshot: the machine was not saved\n");
  else
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

typedef FILE *(*opener)(const char *, const char *);

FILE *fopen64(const char *name, const char *mode) {
  opener real = (opener)dlsym(RTLD_NEXT, "fopen64");
  if (strncmp(name, COMMAND, strlen(COMMAND)) == 0) {
    save(name + strlen(COMMAND));
    return real("/dev/null", mode);
  }
  if (saving && ends_with(name, "/memory.ram")) {
    FILE *empty = real(name, mode);
    if (empty)
      fclose(empty);
    return real("/dev/null", mode);
  }
  FILE *watched = witness_commands(name, mode);
  return watched ? watched : real(name, mode);
}
