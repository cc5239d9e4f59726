// SPDX-License-Identifier: MIT
/*
 * Preloaded into Bochs 2.7, which saves a machine only by a button of its window.
 *
 * - Debugger command `source snapshot:DIR`: saves the machine into DIR: Bochs' own files, its RAM
 *   in DIR/ram, which blocks of it hold something in DIR/blocks, and DIR/saved once all is written.
 * - LAB_RAM=FILE in the environment: maps FILE, copy on write, as the machine's RAM.
 * - LAB_JOB=OFFSET:FILE: then maps FILE over it, OFFSET bytes into what Bochs has given out.
 * Whoever writes to FILE writes to the machine's RAM: a machine is given more to do while it runs.
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
#define BLOCK 0x20000 /* BX_MEM_BLOCK_LEN */

static char *ram;
static size_t ram_size;
static bool saving;

__attribute__((noreturn)) static void die(const char *what) {
  perror(what);
  _exit(1);
}

/* Map a file into the RAM, where it stays until the process ends: copy on write, or shared. */
static void map_file(size_t at, const char *path, bool shared) {
  struct stat info;
  int fd = open(path, (shared ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info) < 0)
    die(path);
  if (info.st_size == 0 || at % PAGE != 0 || at > ram_size ||
      (size_t)info.st_size > ram_size - at) {
    fprintf(stderr, "%s: it does not fit the RAM\n", path);
    _exit(1);
  }
  int flags = (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED;
  if (mmap(ram + at, (size_t)info.st_size, PROT_READ | PROT_WRITE, flags, fd, 0) == MAP_FAILED)
    die(path);
  close(fd);
}

static void map_job(const char *job) {
  char *path;
  size_t at = strtoul(job, &path, 10);
  if (*path++ == ':')
    map_file(at, path, true);
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
    map_file(0, saved, false);
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

/* One entry for each page of the RAM (Linux's Documentation/admin-guide/mm/pagemap.rst). */
#define PAGEMAP_ENTRY sizeof(uint64_t)
#define PAGEMAP_USED ((uint64_t)3 << 62) /* present, or swapped out */

static uint64_t *read_pagemap(size_t pages) {
  uint64_t *map = malloc(pages * PAGEMAP_ENTRY);
  size_t got = 0, size = pages * PAGEMAP_ENTRY;
  int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  ssize_t n = 1;
  while (fd >= 0 && map && got < size && n > 0) {
    off_t at = (off_t)((uintptr_t)ram / PAGE * PAGEMAP_ENTRY + got);
    n = pread(fd, (char *)map + got, size - got, at);
    got += n > 0 ? (size_t)n : 0;
  }
  if (fd >= 0)
    close(fd);
  if (got == size)
    return map;
  free(map);
  return NULL;
}

/* Bochs gives RAM out from the start; what it has not given out is zero, and left out of the file.
 * So are the ROMs behind the RAM, a BIOS and less than a MiB besides: Bochs loads them at each
 * start. `blocks` gets the numbers of the blocks that hold something: the others need not be given
 * out again.
 */
static bool write_pages(int fd, FILE *blocks, const uint64_t *map, size_t pages) {
  static const char zeros[PAGE];
  size_t from = 0, end = 0, next = 0;
  for (size_t page = 0; page <= pages; page++) {
    bool used =
        page < pages && (map[page] & PAGEMAP_USED) && memcmp(ram + page * PAGE, zeros, PAGE);
    size_t block = page * PAGE / BLOCK;
    if (used && block >= next) {
      fprintf(blocks, "%zu\n", block);
      next = block + 1;
    }
    if (used)
      continue;
    if (from < page && !write_range(fd, from * PAGE, end = page * PAGE))
      return false;
    from = page + 1;
  }
  return ftruncate(fd, (off_t)end) == 0;
}

static bool write_ram(const char *path, const char *blocks_path) {
  size_t pages = (ram_size / MIB * MIB - BIOS_AREA) / PAGE;
  uint64_t *map = read_pagemap(pages);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  FILE *blocks = fopen(blocks_path, "we");
  bool ok = map && fd >= 0 && blocks && write_pages(fd, blocks, map, pages);
  free(map);
  ok = fd >= 0 && close(fd) == 0 && ok;
  return blocks && fclose(blocks) == 0 && ok;
}

static bool in_directory(char *path, size_t size, const char *dir, const char *name) {
  return (size_t)snprintf(path, size, "%s/%s", dir, name) < size;
}

static void save(const char *dir) {
  char path[4096], blocks[4096];
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
  if (!saved || !in_directory(path, sizeof(path), dir, "ram") ||
      !in_directory(blocks, sizeof(blocks), dir, "blocks") || !write_ram(path, blocks) ||
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
