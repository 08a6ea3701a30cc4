/*
 * A whole machine: the kernel apart from programs, and on whose behalf it ran.
 *
 * Every block adds its instructions to one of two sums of its vCPU, the kernel's or the programs'. At each
 * instruction that switches the page table, what the sums have grown by goes to the address space that was in
 * force. An address space is known by the value that the page table's register is given.
 */
#include <string.h>

#include "emulab.h"

#define MOST_VCPUS 64
#define OF_KERNEL 0
#define OF_PROGRAMS 1
#define SWITCHES 2
#define PER_SPACE 4

struct bank modes;
struct bank spaces = {.is_plain = true};
bool spaces_are_on;

struct space {
    uint64_t root;
    uint32_t is_process;
    /* Its program has ended: its page table's place may be another one's next. */
    uint32_t is_over;
};

static GArray *list;
static bool newcomers_matter, is_marked;
static uint32_t current[MOST_VCPUS];
static uint64_t settled[MOST_VCPUS][2];
static int isa; /* 'a' arm64, 't' armv7, 'r' riscv64 */
static struct qemu_plugin_register *registers[32];
static struct qemu_plugin_register *number_register;
static GByteArray *buffer;

static uint32_t space_of(uint64_t root)
{
    for (guint i = 0; i < list->len; i++) {
        const struct space *space = &g_array_index(list, struct space, i);
        if (space->root == root && !space->is_over) {
            return i;
        }
    }
    struct space space = {root, newcomers_matter && is_marked, 0};
    g_array_append_val(list, space);
    bank_add_slots(&spaces, PER_SPACE);
    return list->len - 1;
}

void spaces_take_newcomers(void)
{
    newcomers_matter = true;
}

void spaces_prepare(const char *name)
{
    isa = !strcmp(name, "aarch64") ? 'a' : !strcmp(name, "arm") ? 't' : !strcmp(name, "riscv64") ? 'r' : 0;
    spaces_are_on = true;
    list = g_array_new(false, false, sizeof(struct space));
    buffer = g_byte_array_new();
    bank_add_slots(&modes, 2);
    /* What ran before the first switch. */
    space_of(0);
}

void spaces_find_registers(void)
{
    static const char *const riscv[] = {"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "fp", "s1", "a0",
                                        "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
                                        "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    if (!spaces_are_on || number_register) {
        return;
    }
    GArray *all = qemu_plugin_get_registers();
    for (guint i = 0; i < all->len; i++) {
        qemu_plugin_reg_descriptor *each = &g_array_index(all, qemu_plugin_reg_descriptor, i);
        for (int r = 0; r < 32; r++) {
            char name[8];
            g_snprintf(name, sizeof(name), isa == 'a' ? "x%d" : "r%d", r);
            if (!strcmp(each->name, isa == 'r' ? riscv[r] : name)) {
                registers[r] = each->handle;
            }
        }
    }
    g_array_free(all, true);
    number_register = registers[isa == 'a' ? 8 : isa == 't' ? 7 : 17];
}

static uint64_t read(struct qemu_plugin_register *handle)
{
    uint64_t value = 0;
    g_byte_array_set_size(buffer, 0);
    if (handle && qemu_plugin_read_register(handle, buffer) > 0) {
        memcpy(&value, buffer->data, MIN(buffer->len, 8));
    }
    return value;
}

static bool is_kernel(uint64_t address)
{
    if (isa == 't') {
        return address >= 0xbf000000;
    }
    /* The firmware of RISC-V's virt machine has physical addresses. */
    return address >> 63 || (isa == 'r' && address >= 0x80000000 && address < 0x80200000);
}

static void settle(uint32_t vcpu)
{
    const uint64_t *sums = bank_row(&modes, vcpu);
    uint64_t *counts = bank_row(&spaces, 0) + current[vcpu] * PER_SPACE;
    for (int mode = 0; mode < 2; mode++) {
        /* Read once: whoever marks a window from outside does not stop the vCPU, which goes on adding. */
        uint64_t now = *(const volatile uint64_t *)&sums[mode];
        counts[mode] += now - settled[vcpu][mode];
        settled[vcpu][mode] = now;
    }
}

void spaces_settle(void)
{
    if (spaces_are_on) {
        for (int vcpu = 0; vcpu < qemu_plugin_num_vcpus() && vcpu < MOST_VCPUS; vcpu++) {
            settle(vcpu);
        }
    }
}

uint32_t spaces_slot(unsigned int vcpu, uint64_t address)
{
    return current[vcpu % MOST_VCPUS] * PER_SPACE + (is_kernel(address) ? OF_KERNEL : OF_PROGRAMS);
}

void spaces_note_process(unsigned int vcpu)
{
    if (spaces_are_on && vcpu < MOST_VCPUS) {
        g_array_index(list, struct space, current[vcpu]).is_process = 1;
    }
}

static uint64_t root_of(uint64_t value)
{
    /* The address space's number beside the table's address is given anew from time to time. */
    return isa == 'a' ? value & UINT64_C(0x0000fffffffffffe) : isa == 'r' ? value & ((UINT64_C(1) << 44) - 1) : value & ~UINT64_C(0x7f);
}

static void on_switch(unsigned int vcpu, void *data)
{
    lock();
    if (vcpu < MOST_VCPUS) {
        settle(vcpu);
        uint64_t root = root_of(read(data));
        uint32_t to = current[vcpu];
        /* A program that ends stays in its space until another one is switched to. */
        if (g_array_index(list, struct space, to).root != root) {
            to = space_of(root);
        }
        if (to != current[vcpu]) {
            bank_row(&spaces, 0)[to * PER_SPACE + SWITCHES]++;
            current[vcpu] = to;
        }
    }
    unlock();
}

static void on_trap(unsigned int vcpu, void *data)
{
    (void)data;
    lock();
    uint64_t number = read(number_register);
    if (number == MARKER_SYSCALL) {
        is_marked = true;
        window_mark(read(registers[isa == 'r' ? 10 : 0]));
    } else {
        event_count(EVENT_SYSCALL, number);
        if (vcpu < MOST_VCPUS) {
            struct space *space = &g_array_index(list, struct space, current[vcpu]);
            if (space->is_process) {
                event_count(EVENT_PROCESS_SYSCALL, number);
            }
            space->is_over |= number == (isa == 't' ? 248 : 94); /* exit_group */
        }
    }
    unlock();
}

/* Return the register that an instruction loads the page table's from, -1 when it does no such thing. */
static int switches_by(uint32_t w)
{
    switch (isa) {
    case 'a': /* MSR TTBR0_EL1, Xt */
        return (w & 0xffffffe0) == 0xd5182000 ? (int)(w & 31) : -1;
    case 't': /* MCR p15, 0, Rt, c2, c0, 0; MCRR p15, 0, Rt, Rt2, c2 */
        return (w & 0xffff0fff) == 0xee020f10 || (w & 0xfff00fff) == 0xec400f02 ? (int)(w >> 12 & 15) : -1;
    case 'r': /* CSRRW rd, satp, rs1 */
        return (w & 0xfff0707f) == 0x18001073 ? (int)(w >> 15 & 31) : -1;
    }
    return -1;
}

static bool traps(uint32_t w, uint32_t size)
{
    switch (isa) {
    case 'a':
        return (w & 0xffe0001f) == 0xd4000001;
    case 't':
        return size == 4 ? (w & 0x0f000000) == 0x0f000000 && w >> 28 != 15 : (w & 0xff00) == 0xdf00;
    case 'r':
        return size == 4 && w == 0x73;
    }
    return false;
}

void spaces_watch(struct qemu_plugin_tb *tb, const uint8_t *code)
{
    size_t instructions = qemu_plugin_tb_n_insns(tb);
    bool kernel = is_kernel(qemu_plugin_tb_vaddr(tb));
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
        tb, QEMU_PLUGIN_INLINE_ADD_U64, bank_counter(&modes, kernel ? OF_KERNEL : OF_PROGRAMS), instructions);
    for (size_t i = 0; i < instructions; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint32_t size = qemu_plugin_insn_size(insn);
        uint32_t word = 0;
        memcpy(&word, code, MIN(size, 4));
        code += size;
        if (kernel) {
            int from = switches_by(word);
            if (from >= 0) {
                qemu_plugin_register_vcpu_insn_exec_cb(insn, on_switch, QEMU_PLUGIN_CB_R_REGS, registers[from]);
            }
        } else if (traps(word, size)) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_trap, QEMU_PLUGIN_CB_R_REGS, NULL);
        }
    }
}

void spaces_write(void)
{
    if (spaces_are_on) {
        section_begin("SPAC");
        for (guint i = 0; i < list->len; i++) {
            const struct space *space = &g_array_index(list, struct space, i);
            uint64_t row[2] = {space->root, space->is_process};
            section_put(row, sizeof(row));
        }
        section_end();
    }
}
