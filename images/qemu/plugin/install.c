/*
 * The plugin's arguments and callbacks.
 *
 *   out=PATH           where the profile is written when the guest ends
 *   isa=NAME           QEMU's name of the instruction set, where its emulator has several: aarch64 has arm's
 *   start=ADDRESS      counting starts when the instruction there is executed      (these five as often
 *   stop=ADDRESS       counting stops                                               as wanted)
 *   reset=ADDRESS      what was counted since the window's beginning is forgotten
 *   window=ADDRESS     the window ends, another begins, and counting is off until the next start
 *   mark=ADDRESS:NAME  the window ends, and one called NAME begins
 *   process=ADDRESS    the program that executes this is the one that system calls are counted apart of
 *   newcomers=yes      programs that begin after the guest's first marker are those of interest too
 *   code=ADDRESS:HEX   the gates at this address, named before, are passed only where these bytes stand
 *   control=PATH       a pipe is made; a line written to it ends the window and names the next one
 *   argument=PLACE     what is noted with a window: a register (x1) or a place in memory (sp+8)
 *   bytes=N            how wide that place is, 8 if not given
 *
 * With neither start nor window, counting is on from the beginning. Any of these switches the heavy mode on:
 *
 *   l1i= l1d= l2= l3=SIZE:WAYS:LINE[:random]          caches; the oldest line goes, or a random one
 *   itlb= dtlb= tlb2=ENTRIES:WAYS:PAGE[:random]       TLBs
 *   prefetch=LINES                                    how far the stride prefetcher runs ahead; 0: none
 *   branch=bimodal:BITS or branch=gshare:BITS         the direction predictor's table of 2^BITS counters
 *   branch=tage                                       histories of many lengths, for indirect targets too
 *   cores=N                                           vCPUs are spread over so many cores, 1 if not given
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulab.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

enum action { START, STOP, RESET, WINDOW, MARK, PROCESS };

struct gate {
    enum action action;
    uint64_t address;
    char *name;
    GByteArray *code; /* what must stand there, NULL for anything */
};

static GPtrArray *gates;
static uint64_t lowest_gate = UINT64_MAX, highest_gate;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void lock(void)
{
    pthread_mutex_lock(&mutex);
}

void unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

static void on_gate(unsigned int vcpu, void *data)
{
    const struct passage *passage = data;
    /* The block was counted before its first instruction, which is where the cut is meant to be. */
    int cut = passage->is_first;
    /* Reading memory takes a lock of QEMU's that whoever translates holds, and comes here with. */
    uint64_t argument = passage->gate->action == WINDOW ? guest_argument() : 0;
    lock();
    switch (passage->gate->action) {
    case START:
        if (counting_start()) {
            window_correct(passage, vcpu, cut);
        }
        break;
    case STOP:
        if (counting_stop()) {
            window_correct(passage, vcpu, -cut);
        }
        break;
    case RESET:
        if (counting_reset()) {
            window_correct(passage, vcpu, cut);
        }
        break;
    case WINDOW:
        if (counting_stop()) {
            window_correct(passage, vcpu, -cut);
        }
        window_close();
        window_begin(WINDOW_GATE, NULL, argument);
        break;
    case PROCESS:
        spaces_note_process(vcpu);
        break;
    case MARK:
        if (counting_stop()) {
            window_correct(passage, vcpu, -cut);
            window_close();
            counting_start();
            window_correct(passage, vcpu, cut);
        } else {
            window_close();
        }
        window_begin(WINDOW_MARK, passage->gate->name, 0);
        break;
    }
    unlock();
}

/* Compare a gate's code with the block's, as far as the block goes. */
static bool fits(const struct gate *gate, const uint8_t *code, uint64_t size)
{
    return !gate->code || !memcmp(gate->code->data, code, MIN(size, gate->code->len));
}

static void watch_gates(struct qemu_plugin_tb *tb, uint32_t block, uint64_t address, const uint8_t *code, uint32_t size)
{
    size_t instructions = qemu_plugin_tb_n_insns(tb);
    if (address > highest_gate || address + size <= lowest_gate) {
        return;
    }
    for (guint g = 0; g < gates->len; g++) {
        struct gate *gate = gates->pdata[g];
        uint64_t offset = gate->address - address;
        if (offset >= size || !fits(gate, code + offset, size - offset)) {
            continue;
        }
        for (size_t i = 0; i < instructions; i++) {
            struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
            if (qemu_plugin_insn_vaddr(insn) == gate->address) {
                struct passage *passage = g_new(struct passage, 1);
                *passage = (struct passage){gate, address, block, instructions, i == 0};
                qemu_plugin_register_vcpu_insn_exec_cb(
                    insn, on_gate, gate->action == WINDOW ? QEMU_PLUGIN_CB_R_REGS : QEMU_PLUGIN_CB_NO_REGS, passage);
            }
        }
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    /* QEMU ends a block after 512 instructions; x86-64's are of up to 15 bytes. */
    static uint8_t code[16384];
    uint64_t address = qemu_plugin_tb_vaddr(tb);
    size_t instructions = qemu_plugin_tb_n_insns(tb);
    uint32_t size = 0;
    (void)id;
    lock();
    for (size_t i = 0; i < instructions && size < sizeof(code) - 16; i++) {
        size += qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, i), code + size, 16);
    }
    uint32_t block = block_find(address, code, size, instructions);
    qemu_plugin_u64 counter = bank_counter(&executions, block);
    if (model_is_on) {
        model_watch(tb, block, code, size);
    }
    if (spaces_are_on) {
        spaces_watch(tb, code);
    }
    watch_gates(tb, block, address, code, size);
    unlock();
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, counter, 1);
}

static void on_vcpu(qemu_plugin_id_t id, unsigned int vcpu)
{
    (void)id;
    (void)vcpu;
    lock();
    guest_find_registers();
    spaces_find_registers();
    unlock();
}

static void on_syscall(qemu_plugin_id_t id, unsigned int vcpu, int64_t number, uint64_t a1, uint64_t a2,
                       uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)vcpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    lock();
    if (number == MARKER_SYSCALL) {
        window_mark(a1);
    } else {
        event_count(EVENT_SYSCALL, number);
    }
    unlock();
}

static void on_exit_of_guest(qemu_plugin_id_t id, void *data)
{
    static bool is_done;
    (void)id;
    (void)data;
    lock();
    if (!is_done) {
        is_done = true;
        counting_stop();
        window_close();
        whole_write();
        blocks_write();
        events_write();
        spaces_write();
        profile_close();
    }
    unlock();
}

static bool add_gate(const char *name, char *value)
{
    static const char *const actions[] = {"start", "stop", "reset", "window", "mark", "process"};
    char *end;
    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
        if (strcmp(name, actions[i])) {
            continue;
        }
        struct gate *gate = g_new0(struct gate, 1);
        gate->action = i;
        gate->address = strtoull(value, &end, 0);
        if (end == value || (*end && !(gate->action == MARK && *end == ':'))) {
            return false;
        }
        gate->name = *end ? g_strdup(end + 1) : NULL;
        lowest_gate = MIN(lowest_gate, gate->address);
        highest_gate = MAX(highest_gate, gate->address);
        g_ptr_array_add(gates, gate);
        return true;
    }
    return false;
}

/* ADDRESS:HEX */
static bool add_code(const char *value)
{
    char *end;
    uint64_t address = strtoull(value, &end, 0);
    GByteArray *code = g_byte_array_new();
    if (*end++ != ':') {
        return false;
    }
    for (; end[0] && end[1]; end += 2) {
        uint8_t byte = g_ascii_xdigit_value(end[0]) << 4 | g_ascii_xdigit_value(end[1]);
        g_byte_array_append(code, &byte, 1);
    }
    for (guint i = 0; i < gates->len; i++) {
        struct gate *gate = gates->pdata[i];
        if (gate->address == address) {
            gate->code = code;
        }
    }
    return true;
}

static int refuse(const char *argument)
{
    fprintf(stderr, "emulab: the plugin does not understand %s\n", argument);
    return -1;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    const char *out = NULL;
    const char *argument = NULL;
    const char *control = NULL;
    const char *isa = info->target_name;
    int bytes = 8;
    bool is_valid;
    gates = g_ptr_array_new();
    for (int i = 0; i < argc; i++) {
        char *name = g_strdup(argv[i]);
        char *value = strchr(name, '=');
        if (!value) {
            return refuse(argv[i]);
        }
        *value++ = 0;
        if (!strcmp(name, "out")) {
            out = value;
        } else if (!strcmp(name, "argument")) {
            argument = value;
        } else if (!strcmp(name, "bytes")) {
            bytes = atoi(value);
        } else if (!strcmp(name, "isa")) {
            isa = value;
        } else if (!strcmp(name, "control")) {
            control = value;
        } else if (!strcmp(name, "newcomers")) {
            spaces_take_newcomers();
        } else if (!strcmp(name, "code")) {
            if (!add_code(value)) {
                return refuse(argv[i]);
            }
        } else if (model_argument(name, value, &is_valid) ? !is_valid : !add_gate(name, value)) {
            return refuse(argv[i]);
        }
    }
    if (!out) {
        return refuse("a call without out=PATH");
    }
    if (argument && (!guest_argument_set(argument, bytes) || bytes < 1 || bytes > 8)) {
        return refuse(argument);
    }
    bool is_gated = false;
    for (guint i = 0; i < gates->len; i++) {
        const struct gate *gate = gates->pdata[i];
        is_gated |= gate->action == START || gate->action == WINDOW;
    }
    profile_open(out, isa, info->system_emulation);
    if (model_is_on) {
        flow_prepare(isa);
        model_prepare();
    }
    if (info->system_emulation) {
        spaces_prepare(isa);
    }
    if (control && !control_start(control)) {
        return refuse(control);
    }
    if (!is_gated) {
        counting_start();
    }
    /* A process that is forked inherits the lock as it is at that moment. */
    pthread_atfork(lock, unlock, unlock);
    qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
    qemu_plugin_register_atexit_cb(id, on_exit_of_guest, NULL);
    return 0;
}
