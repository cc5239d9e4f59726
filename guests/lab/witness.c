// SPDX-License-Identifier: MIT
/*
 * Preloaded into Bochs 2.7: tells the machine inside how its processor has just walked the page
 * tables of the guest.
 *
 * LAB_WITNESS=ADDRESS in the environment: the physical address of a page of RAM that takes the
 * answers.
 *
 * The debugger asks for its next command whenever the machine stands still (xchg %bx,%bx). Then:
 *
 * - RCX is PROBE_WITNESS_BEGIN: the guest is about to read at RBX, with no translation of it in the
 * TLB. From here on all accesses of memory are traced.
 * - RCX is PROBE_WITNESS_END: it has read. What was traced of that read goes into the page, with
 * the processor's IA32_PAT.
 *
 * Any other stop is not ours: the debugger takes the next command of its file.
 */
#define _GNU_SOURCE
#include "../probe.h"
#include "preload.h"
#include <dlfcn.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS "witness:"
#define LINE 128

enum { RCX = 1, RBX = 3 };

/* The page that takes the answers. */
struct witness {
  uint32_t count, reserved;
  uint64_t pat;
  char text[PROBE_WITNESS_SIZE - PROBE_WITNESS_TEXT];
};

#define AT(field, offset)                                                                          \
  _Static_assert(__builtin_offsetof(struct witness, field) == (offset), #field)
AT(count, PROBE_WITNESS_COUNT);
AT(pat, PROBE_WITNESS_PAT);
AT(text, PROBE_WITNESS_TEXT);
_Static_assert(sizeof(struct witness) == PROBE_WITNESS_SIZE, "size");

typedef uint64_t (*get_reg64)(unsigned);
typedef bool (*set_memory)(void *processor, uint64_t, unsigned, uint8_t *);

static FILE *commands, *terminal;
static char *traced;
static size_t traced_size;
static bool tracing;
static uint32_t answers;

/* An own function of Bochs'. It is not there in one that is built otherwise. */
static void *bochs(const char *name) {
  void *found = dlsym(RTLD_DEFAULT, name);
  if (!found)
    fprintf(stderr, "witness: this Bochs has no %s\n", name);
  return found;
}

static uint64_t reg(unsigned number) {
  static get_reg64 get;
  if (!get)
    get = (get_reg64)bochs("_Z22bx_dbg_get_reg64_valuej");
  return get ? get(number) : 0;
}

/* Outside long mode there are no such registers: Bochs says so on its terminal, and gives 0. */
static uint64_t marker(void) { return reg(RCX); }

/* The parameter cpu0.MSR.pat, which Bochs would save. */
static uint64_t processor_pat(void) {
  void **sim = bochs("SIM");
  void *(*root)(void *) = (void *(*)(void *))bochs("_ZN13bx_real_sim_c14get_bochs_rootEv");
  void *(*find)(void *, const char *, void *) = (void *(*)(void *, const char *, void *))bochs(
      "_ZN13bx_real_sim_c9get_paramEPKcP10bx_param_c");
  uint64_t (*value)(void *) = (uint64_t(*)(void *))bochs("_ZN15bx_shadow_num_c5get64Ev");
  void *pat = sim && root && find && value ? find(*sim, "cpu0.MSR.pat", root(*sim)) : NULL;
  return pat ? value(pat) : 0;
}

static void begin(void) {
  terminal = stdout;
  FILE *stream = open_memstream(&traced, &traced_size);
  if (!stream)
    return;
  stdout = stream;
  tracing = true;
}

/* The last read at an address, and what comes right before it: the walk. Interrupts may have come
 * before. */
static const char *last_read(uint64_t address, const char **end) {
  const size_t room = PROBE_WITNESS_SIZE - PROBE_WITNESS_TEXT - 1;
  char wanted[LINE];
  const char *found = NULL;
  snprintf(wanted, sizeof(wanted), "LIN 0x%016" PRIx64 " ", address);
  for (char *p = traced; p && (p = strstr(p, wanted)); p++)
    found = p;
  if (!found)
    return NULL;
  const char *line_end = strchr(found, '\n');
  *end = line_end ? line_end + 1 : found + strlen(found);
  return *end - traced > (ptrdiff_t)room ? *end - room : traced;
}

static void answer(uint64_t address) {
  static struct witness page;
  const char *end, *from;
  memset(&page, 0, sizeof(page));
  fclose(stdout);
  stdout = terminal;
  tracing = false;
  from = last_read(address, &end);
  page.pat = processor_pat();
  if (from)
    memcpy(page.text, from, (size_t)(end - from));
  page.count = ++answers;
  free(traced);
  traced = NULL;
  set_memory set = (set_memory)bochs("_ZN8BX_MEM_C11dbg_set_memEP8BX_CPU_CmjPh");
  void ***processors = bochs("bx_cpu_array");
  uint64_t place = strtoull(getenv("LAB_WITNESS"), NULL, 0);
  if (set && processors && !set(**processors, place, sizeof(page), (uint8_t *)&page))
    fprintf(stderr, "witness: no RAM at 0x%" PRIx64 "\n", place);
}

/* One command a call, so that each stop is seen. */
static ssize_t next_command(void *cookie, char *buffer, size_t size) {
  static const char *queued;
  const char *line = queued;
  (void)cookie;
  queued = NULL;
  if (!line && tracing && marker() == PROBE_WITNESS_END) {
    answer(reg(RBX));
    line = "trace-mem off\n", queued = "c\n";
  } else if (!line && !tracing && marker() == PROBE_WITNESS_BEGIN) {
    begin();
    line = "trace-mem on\n", queued = "c\n";
  }
  if (!line)
    return fgets(buffer, (int)size, commands) ? (ssize_t)strlen(buffer) : 0;
  memcpy(buffer, line, strlen(line));
  return (ssize_t)strlen(line);
}

/* The debugger's file of commands, if this is its name; NULL if not. */
FILE *witness_commands(const char *name, const char *mode) {
  static const cookie_io_functions_t functions = {.read = next_command};
  if (strncmp(name, COMMANDS, strlen(COMMANDS)) != 0)
    return NULL;
  commands = fopen(name + strlen(COMMANDS), mode);
  return commands ? fopencookie(NULL, mode, functions) : NULL;
}
