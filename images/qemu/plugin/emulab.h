/*
 * emulab's plugin for QEMU: counts what a guest executes, block by block.
 *
 * The parts: install.c (arguments, callbacks), blocks.c (which blocks there are), counters.c (their
 * counts, the gate and the windows), guest.c (the guest's registers), profile.c (the file).
 */
#ifndef EMULAB_H
#define EMULAB_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qemu-plugin.h"

/* One lock for everything; it is taken when code is translated, at gates and at system calls, never by the
 * counting itself. */
void lock(void);
void unlock(void);

/* ---- counters.c ---- */

/* Counters, one for each slot. */
struct bank {
    uint32_t used;
    /* Each vCPU has a row of its own, to which translated code adds by itself; it begins at this one of
     * QEMU's counters. */
    uint32_t first;
    /* Or there is this one row, which callbacks add to with the lock held. */
    uint64_t *plain;
    bool is_plain;
    /* What the current window has of each: rows[vcpu][slot], of vcpus rows with row_slots each. */
    uint32_t vcpus;
    uint64_t **rows;
    uint32_t *row_slots;
};

extern struct bank executions; /* by block */
extern struct bank events;     /* by event */
extern struct bank measures;   /* by block and measure; only in the heavy mode */
extern struct bank modes;      /* instructions of the kernel, and of programs; only of a whole machine */
extern struct bank spaces;     /* by address space and what is counted of it; likewise */

/* The number of a system call that no kernel has, "em": the guest marks a place in its run with it. ARM's
 * kernel kills who asks for one of 0xf0800 or more. */
#define MARKER_SYSCALL 0x656d

enum window_kind { WINDOW_WHOLE = 0, WINDOW_GATE = 1, WINDOW_MARK = 2, WINDOW_MARKER = 3 };

/* Return the first of so many new slots. */
uint32_t bank_add_slots(struct bank *bank, uint32_t number);
/* Return what translated code adds to. */
qemu_plugin_u64 bank_counter(const struct bank *bank, uint32_t slot);
/* Return a row; it stays where it is. The row of a plain bank is every vCPU's. */
uint64_t *bank_row(struct bank *bank, uint32_t vcpu);

/* Counts go to the window from here on, or no more. They tell whether that changed anything. */
bool counting_start(void);
bool counting_stop(void);
/* What the window has until now is forgotten. It tells whether counting is on. */
bool counting_reset(void);
/* A block is counted as a whole when it is entered. Give or take one execution, where a gate at its very
 * beginning cuts. */
struct passage;
void window_correct(const struct passage *passage, unsigned int vcpu, int by);

/* A gate in a block's code. */
struct passage {
    const struct gate *gate;
    uint64_t address;
    uint32_t block;
    uint32_t instructions;
    bool is_first;
};
/* Write the window, when there is anything in it, and begin the next. It tells whether counting is on. */
bool window_close(void);
void window_begin(enum window_kind kind, const char *name, uint64_t argument);
/* The guest has marked the place with a number: the window ends and bears it. */
void window_mark(uint64_t number);
void whole_write(void);

enum event_kind { EVENT_SYSCALL = 0, EVENT_PROCESS_SYSCALL = 1 };

struct event {
    uint32_t kind;
    uint32_t reserved;
    int64_t number;
};

void event_count(enum event_kind kind, int64_t number);
void events_write(void);

/* ---- blocks.c ---- */

/* Return the number of the block with these bytes at this address, a new one when it was never seen. */
uint32_t block_find(uint64_t address, const uint8_t *code, uint32_t size, uint32_t instructions);
void blocks_write(void);

/* ---- flow.c ---- */

enum flow_kind {
    FLOW_NEXT,
    FLOW_BRANCH,
    FLOW_JUMP,
    FLOW_CALL,
    FLOW_RETURN,
    FLOW_INDIRECT_JUMP,
    FLOW_INDIRECT_CALL,
};

struct flow {
    enum flow_kind kind;
    uint64_t target;
};

void flow_prepare(const char *isa);
/* Return where an instruction leads. */
struct flow flow_of(const uint8_t *code, uint32_t size, uint64_t address);

/* ---- model.c: the heavy mode ---- */

/* What is measured of each block. The reader has the same list (emulab/profiling/measures.py). */
enum measure {
    MEASURE_L1I,                 /* lines of code that missed the first level */
    MEASURE_L1D_LOAD,            /* lines that loads missed there */
    MEASURE_L1D_STORE,           /* lines that stores missed there */
    MEASURE_L2I,                 /* of these, what missed the second level */
    MEASURE_L2D,
    MEASURE_MEMORY,              /* what missed the last level there is */
    MEASURE_PREFETCHED,          /* lines used for the first time that a prefetch had brought */
    MEASURE_PREFETCH_MEMORY,     /* lines that prefetches brought from memory */
    MEASURE_ITLB,                /* pages of code that missed the first TLB */
    MEASURE_DTLB,                /* pages of data */
    MEASURE_WALK,                /* of these, what missed the second TLB */
    MEASURE_TAKEN,               /* conditional branches, by outcome */
    MEASURE_NOT_TAKEN,
    MEASURE_MISPREDICTED,        /* their mispredictions */
    MEASURE_TARGET_MISPREDICTED, /* indirect jumps and calls and returns that went elsewhere than foretold */
    MEASURE_RESERVED,
    MEASURES,
};

extern bool model_is_on;

/* Take an argument of the plugin; false when it is not one of the model's. */
bool model_argument(const char *name, const char *value, bool *is_valid);
void model_prepare(void);
/* Let the model see a block's executions, loads and stores. */
void model_watch(struct qemu_plugin_tb *tb, uint32_t block, const uint8_t *code, uint32_t size);

/* ---- spaces.c: a whole machine ---- */

extern bool spaces_are_on;

void spaces_prepare(const char *isa);
/* Address spaces that are first seen after the guest's first marker are those of interest. */
void spaces_take_newcomers(void);
void spaces_find_registers(void);
/* Let a block add to the sums, and watch where it switches the page table or calls the system. */
void spaces_watch(struct qemu_plugin_tb *tb, const uint8_t *code);
/* Attribute what has run until now. */
void spaces_settle(void);
/* Return where the current address space counts instructions from an address. */
uint32_t spaces_slot(unsigned int vcpu, uint64_t address);
/* The program that runs on this vCPU is the one of interest. */
void spaces_note_process(unsigned int vcpu);
void spaces_write(void);

/* ---- control.c ---- */

bool control_start(const char *path);

/* ---- tage.c ---- */

struct tage *tage_new(void);
struct path *path_new(void);
/* Tell whether a branch's direction was foretold, and learn. */
bool tage_direction(struct tage *tage, struct path *path, uint64_t where, bool taken);
/* The same of where an indirect jump or call leads to; `last` is where it led to before. */
bool tage_target(struct tage *tage, struct path *path, uint64_t where, uint64_t last, uint64_t target);

/* ---- guest.c ---- */

/* Name where an argument is found: a register ("x1"), or a place in memory ("sp+8") of so many bytes. */
bool guest_argument_set(const char *place, int bytes);
/* To be called when the first vCPU exists. */
void guest_find_registers(void);
/* Read that argument on the current vCPU; 0 when there is none. Not to be called with the lock held. */
uint64_t guest_argument(void);

/* ---- profile.c ---- */

void profile_open(const char *path, const char *isa, bool is_system);
void section_begin(const char *tag);
void section_put(const void *data, size_t size);
void section_end(void);
/* End the file. A process that was forked from the counted one writes nothing. */
void profile_close(void);

#endif
