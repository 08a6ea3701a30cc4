/* Where a block's last instruction leads: the same encodings as emulab/profiling/control_flow.py, and x86-64's. */
#include <string.h>

#include "emulab.h"

static int64_t sign(uint64_t value, int bits)
{
    return (int64_t)(value << (64 - bits)) >> (64 - bits);
}

static uint64_t bits(uint32_t word, int low, int n, int to)
{
    return (uint64_t)((word >> low) & ((1u << n) - 1)) << to;
}

static struct flow arm64(uint32_t w, uint64_t at)
{
    uint64_t near = at + sign(bits(w, 5, 19, 2), 21);
    uint64_t far = at + sign(bits(w, 0, 26, 2), 28);
    if ((w & 0xff000000) == 0x54000000 || (w & 0x7e000000) == 0x34000000) {
        return (struct flow){FLOW_BRANCH, near};
    }
    if ((w & 0x7e000000) == 0x36000000) {
        return (struct flow){FLOW_BRANCH, at + sign(bits(w, 5, 14, 2), 16)};
    }
    if ((w & 0x7c000000) == 0x14000000) {
        return (struct flow){w >> 31 ? FLOW_CALL : FLOW_JUMP, far};
    }
    switch (w & 0xfefff000) {
    case 0xd61f0000:
        return (struct flow){FLOW_INDIRECT_JUMP, 0};
    case 0xd63f0000:
        return (struct flow){FLOW_INDIRECT_CALL, 0};
    }
    return (struct flow){(w & 0xfffff000) == 0xd65f0000 ? FLOW_RETURN : FLOW_NEXT, 0};
}

static struct flow armv7(uint32_t w, uint64_t at)
{
    uint64_t far = (uint32_t)(at + 8 + sign(bits(w, 0, 24, 2), 26));
    bool to_pc = (w >> 12 & 15) == 15;
    if (w >> 28 == 15) {
        return (struct flow){(w & 0xfe000000) == 0xfa000000 ? FLOW_INDIRECT_CALL : FLOW_NEXT, 0};
    }
    switch (w & 0x0f000000) {
    case 0x0a000000:
        return (struct flow){w >> 28 == 14 ? FLOW_JUMP : FLOW_BRANCH, far};
    case 0x0b000000:
        return (struct flow){FLOW_CALL, far};
    }
    switch (w & 0x0ffffff0) {
    case 0x012fff30:
        return (struct flow){FLOW_INDIRECT_CALL, 0};
    case 0x012fff10:
        return (struct flow){(w & 15) == 14 ? FLOW_RETURN : FLOW_INDIRECT_JUMP, 0};
    }
    if ((w & 0x0e108000) == 0x08108000) {
        return (struct flow){FLOW_RETURN, 0};
    }
    if (to_pc && (w & 0x0c100000) == 0x04100000 && (w & 0x0e000010) != 0x06000010) {
        return (struct flow){(w >> 16 & 15) == 13 ? FLOW_RETURN : FLOW_INDIRECT_JUMP, 0};
    }
    if (to_pc && !(w & 0x0c000000) && (w & 0x01800000) != 0x01000000 && (w & 0x0e000090) != 0x90) {
        bool returns = (w & 0x0fffffff) == 0x028ef000 || (w & 0x0fffffff) == 0x01a0f00e;
        return (struct flow){returns ? FLOW_RETURN : FLOW_INDIRECT_JUMP, 0};
    }
    return (struct flow){FLOW_NEXT, 0};
}

static struct flow riscv64_short(uint32_t w, uint64_t at)
{
    if ((w & 0xc003) == 0xc001) {
        uint64_t to = bits(w, 12, 1, 8) | bits(w, 10, 2, 3) | bits(w, 5, 2, 6) | bits(w, 3, 2, 1) | bits(w, 2, 1, 5);
        return (struct flow){FLOW_BRANCH, at + sign(to, 9)};
    }
    if ((w & 0xe003) == 0xa001) {
        uint64_t to = bits(w, 12, 1, 11) | bits(w, 11, 1, 4) | bits(w, 9, 2, 8) | bits(w, 8, 1, 10) |
                      bits(w, 7, 1, 6) | bits(w, 6, 1, 7) | bits(w, 3, 3, 1) | bits(w, 2, 1, 5);
        return (struct flow){FLOW_JUMP, at + sign(to, 12)};
    }
    uint32_t rd = w >> 7 & 31;
    if ((w & 0xe07f) == 0x8002 && rd) {
        if (w & 0x1000) {
            return (struct flow){FLOW_INDIRECT_CALL, 0};
        }
        return (struct flow){rd == 1 || rd == 5 ? FLOW_RETURN : FLOW_INDIRECT_JUMP, 0};
    }
    return (struct flow){FLOW_NEXT, 0};
}

static struct flow riscv64(uint32_t w, uint64_t at)
{
    if ((w & 3) != 3) {
        return riscv64_short(w & 0xffff, at);
    }
    uint32_t rd = w >> 7 & 31, rs1 = w >> 15 & 31;
    uint64_t near = bits(w, 31, 1, 12) | bits(w, 7, 1, 11) | bits(w, 25, 6, 5) | bits(w, 8, 4, 1);
    uint64_t far = bits(w, 31, 1, 20) | bits(w, 12, 8, 12) | bits(w, 20, 1, 11) | bits(w, 21, 10, 1);
    switch (w & 0x7f) {
    case 0x63:
        return (struct flow){FLOW_BRANCH, at + sign(near, 13)};
    case 0x6f:
        return (struct flow){rd ? FLOW_CALL : FLOW_JUMP, at + sign(far, 21)};
    case 0x67:
        if (rd) {
            return (struct flow){FLOW_INDIRECT_CALL, 0};
        }
        return (struct flow){rs1 == 1 || rs1 == 5 ? FLOW_RETURN : FLOW_INDIRECT_JUMP, 0};
    }
    return (struct flow){FLOW_NEXT, 0};
}

static struct flow x86_64(const uint8_t *code, uint32_t size, uint64_t at)
{
    uint64_t next = at + size;
    int32_t offset = 0;
    if (code[0] >= 0x70 && code[0] <= 0x7f) {
        return (struct flow){FLOW_BRANCH, next + (int8_t)code[1]};
    }
    if (size >= 5) {
        memcpy(&offset, code + size - 4, 4);
    }
    if (code[0] == 0x0f && code[1] >= 0x80 && code[1] <= 0x8f) {
        return (struct flow){FLOW_BRANCH, next + offset};
    }
    switch (code[0]) {
    case 0xe8:
        return (struct flow){FLOW_CALL, next + offset};
    case 0xe9:
        return (struct flow){FLOW_JUMP, next + offset};
    case 0xeb:
        return (struct flow){FLOW_JUMP, next + (int8_t)code[1]};
    case 0xc2:
    case 0xc3:
        return (struct flow){FLOW_RETURN, 0};
    }
    const uint8_t *op = (code[0] & 0xf0) == 0x40 ? code + 1 : code;
    if (op[0] == 0xff && (op[1] >> 3 & 7) == 2) {
        return (struct flow){FLOW_INDIRECT_CALL, 0};
    }
    return (struct flow){op[0] == 0xff && (op[1] >> 3 & 7) == 4 ? FLOW_INDIRECT_JUMP : FLOW_NEXT, 0};
}

static int isa;

void flow_prepare(const char *name)
{
    static const char *const names[] = {"aarch64", "arm", "riscv64", "x86_64"};
    isa = -1;
    for (int i = 0; i < 4; i++) {
        if (!strcmp(name, names[i])) {
            isa = i;
        }
    }
}

struct flow flow_of(const uint8_t *code, uint32_t size, uint64_t at)
{
    uint32_t word = 0;
    memcpy(&word, code, size < 4 ? size : 4);
    switch (isa) {
    case 0:
        return arm64(word, at);
    case 1:
        /* Thumb code is not decoded. */
        return size == 4 ? armv7(word, at) : (struct flow){FLOW_NEXT, 0};
    case 2:
        return riscv64(word, at);
    case 3:
        return x86_64(code, size, at);
    }
    return (struct flow){FLOW_NEXT, 0};
}
