/*
 * Counts and windows.
 *
 * Translated code only ever adds to its counters. What a window has of them is found by difference: every
 * counter is subtracted from the window's row when counting starts, and added when it stops.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "emulab.h"

/* Behind the two of the modes. */
struct bank executions = {.first = 2};
struct bank events = {.is_plain = true};

static bool is_counting;
static uint32_t window_kind = WINDOW_GATE;
static char *window_name;
static uint64_t window_argument;
static uint64_t window_ordinal;
static GHashTable *event_slots;
static GArray *event_list;

struct window_header {
    uint32_t kind;
    uint32_t name_size;
    uint64_t ordinal;
    uint64_t argument;
    uint64_t executions;
    uint64_t events;
    uint64_t measures;
    uint64_t spaces;
};

struct count {
    uint32_t slot;
    uint32_t vcpu;
    uint64_t value;
};

uint32_t bank_add_slots(struct bank *bank, uint32_t number)
{
    uint32_t slot = bank->used;
    bank->used += number;
    if (bank->first + (uint64_t)bank->used > QEMU_PLUGIN_COUNTERS) {
        fprintf(stderr, "emulab: the guest has more code than there are counters for it\n");
        abort();
    }
    return slot;
}

qemu_plugin_u64 bank_counter(const struct bank *bank, uint32_t slot)
{
    return (qemu_plugin_u64){NULL, (bank->first + slot) * sizeof(uint64_t)};
}

uint64_t *bank_row(struct bank *bank, uint32_t vcpu)
{
    if (!bank->is_plain) {
        return qemu_plugin_counters(vcpu) + bank->first;
    }
    if (!bank->plain) {
        /* Reserved as a whole; what is never counted takes no memory. */
        bank->plain = mmap(NULL, QEMU_PLUGIN_COUNTERS * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (bank->plain == MAP_FAILED) {
            perror("emulab: no room for counters");
            abort();
        }
    }
    return bank->plain;
}

static uint32_t vcpus_of(const struct bank *bank)
{
    return bank->is_plain ? 1 : qemu_plugin_num_vcpus();
}

/* Give every vCPU a row with every slot. */
static void make_rows(struct bank *bank)
{
    uint32_t vcpus = vcpus_of(bank);
    if (bank->vcpus < vcpus) {
        bank->rows = g_renew(uint64_t *, bank->rows, vcpus);
        bank->row_slots = g_renew(uint32_t, bank->row_slots, vcpus);
        for (; bank->vcpus < vcpus; bank->vcpus++) {
            bank->rows[bank->vcpus] = NULL;
            bank->row_slots[bank->vcpus] = 0;
        }
    }
    for (uint32_t v = 0; v < bank->vcpus; v++) {
        uint32_t has = bank->row_slots[v];
        if (has < bank->used) {
            bank->row_slots[v] = MAX(bank->used, 2 * has);
            bank->rows[v] = g_renew(uint64_t, bank->rows[v], bank->row_slots[v]);
            memset(bank->rows[v] + has, 0, (bank->row_slots[v] - has) * sizeof(uint64_t));
        }
    }
}

/* Add what every counter has now to the window's rows, or subtract it. */
static void accumulate(struct bank *bank, bool subtract)
{
    make_rows(bank);
    for (uint32_t v = 0; v < bank->vcpus; v++) {
        const uint64_t *restrict now = bank_row(bank, v);
        uint64_t *restrict row = bank->rows[v];
        if (subtract) {
            for (uint32_t i = 0; i < bank->used; i++) {
                row[i] -= now[i];
            }
        } else {
            for (uint32_t i = 0; i < bank->used; i++) {
                row[i] += now[i];
            }
        }
    }
}

static void clear(struct bank *bank)
{
    for (uint32_t v = 0; v < bank->vcpus; v++) {
        memset(bank->rows[v], 0, bank->row_slots[v] * sizeof(uint64_t));
    }
}

static void accumulate_all(bool subtract)
{
    accumulate(&executions, subtract);
    accumulate(&events, subtract);
    accumulate(&measures, subtract);
    spaces_settle();
    accumulate(&spaces, subtract);
}

static void clear_all(void)
{
    clear(&executions);
    clear(&events);
    clear(&measures);
    clear(&spaces);
}

bool counting_start(void)
{
    if (is_counting) {
        return false;
    }
    is_counting = true;
    accumulate_all(true);
    return true;
}

bool counting_stop(void)
{
    if (!is_counting) {
        return false;
    }
    is_counting = false;
    accumulate_all(false);
    return true;
}

bool counting_reset(void)
{
    bool was_counting = is_counting;
    is_counting = false;
    clear_all();
    if (was_counting) {
        counting_start();
    }
    return was_counting;
}

void window_correct(const struct passage *passage, unsigned int vcpu, int by)
{
    make_rows(&executions);
    executions.rows[vcpu][passage->block] += by;
    if (spaces_are_on) {
        uint32_t slot = spaces_slot(vcpu, passage->address);
        make_rows(&spaces);
        spaces.rows[0][slot] += (int64_t)by * passage->instructions;
    }
}

static uint64_t gather(struct bank *bank, bool whole, GArray *into)
{
    guint before = into->len;
    for (uint32_t v = 0; v < (whole ? vcpus_of(bank) : bank->vcpus); v++) {
        const uint64_t *from = whole ? bank_row(bank, v) : bank->rows[v];
        uint32_t slots = whole ? bank->used : MIN(bank->used, bank->row_slots[v]);
        for (uint32_t i = 0; i < slots; i++) {
            if (from[i]) {
                struct count count = {i, v, from[i]};
                g_array_append_val(into, count);
            }
        }
    }
    return into->len - before;
}

static void window_write(bool whole)
{
    GArray *counts = g_array_new(false, false, sizeof(struct count));
    struct window_header header = {
        .kind = whole ? WINDOW_WHOLE : window_kind,
        .ordinal = whole ? 0 : window_ordinal,
        .argument = whole ? 0 : window_argument,
    };
    const char *name = whole || !window_name ? "" : window_name;
    header.name_size = strlen(name);
    header.executions = gather(&executions, whole, counts);
    header.events = gather(&events, whole, counts);
    header.measures = gather(&measures, whole, counts);
    header.spaces = gather(&spaces, whole, counts);
    if (header.executions || whole) {
        static const uint8_t zeros[8];
        section_begin("WIND");
        section_put(&header, sizeof(header));
        section_put(name, header.name_size);
        section_put(zeros, -header.name_size & 7);
        section_put(counts->data, counts->len * sizeof(struct count));
        section_end();
        window_ordinal += !whole;
    }
    g_array_free(counts, true);
}

bool window_close(void)
{
    bool was_counting = counting_stop();
    window_write(false);
    clear_all();
    if (was_counting) {
        counting_start();
    }
    return was_counting;
}

void window_mark(uint64_t number)
{
    window_kind = WINDOW_MARKER;
    window_argument = number;
    window_close();
    window_begin(WINDOW_GATE, NULL, 0);
}

void window_begin(enum window_kind kind, const char *name, uint64_t argument)
{
    window_kind = kind;
    window_argument = argument;
    g_free(window_name);
    window_name = g_strdup(name);
}

void whole_write(void)
{
    spaces_settle();
    window_write(true);
}

void event_count(enum event_kind kind, int64_t number)
{
    if (!event_slots) {
        event_slots = g_hash_table_new(g_direct_hash, g_direct_equal);
        event_list = g_array_new(false, false, sizeof(struct event));
    }
    /* Numbers of system calls are small; the few private ones stay apart in the lower 56 bits. */
    gpointer key = (gpointer)(uintptr_t)(((uint64_t)kind << 56) | ((uint64_t)number & (UINT64_MAX >> 8)));
    gpointer found;
    uint32_t slot;
    if (g_hash_table_lookup_extended(event_slots, key, NULL, &found)) {
        slot = GPOINTER_TO_UINT(found);
    } else {
        struct event event = {kind, 0, number};
        slot = bank_add_slots(&events, 1);
        g_array_append_val(event_list, event);
        g_hash_table_insert(event_slots, key, GUINT_TO_POINTER(slot));
    }
    bank_row(&events, 0)[slot]++;
}

void events_write(void)
{
    section_begin("EVNT");
    if (event_list) {
        section_put(event_list->data, event_list->len * sizeof(struct event));
    }
    section_end();
}
