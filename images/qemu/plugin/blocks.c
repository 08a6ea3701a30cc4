/* The blocks that were translated. One is known by its address and bytes, however often it is translated. */
#include <string.h>

#include "emulab.h"

struct block {
    uint64_t address;
    uint64_t code;
    uint32_t size;
    uint32_t instructions;
};

#define NONE UINT32_MAX

static GArray *blocks;
static GByteArray *code_of_all;
/* Open addressing by address; holds the newest block there, and next[] leads to older ones. */
static uint32_t *table;
static uint32_t table_bits;
static GArray *next;

static struct block *at(uint32_t number)
{
    return &g_array_index(blocks, struct block, number);
}

static uint32_t *place(uint64_t address)
{
    uint32_t mask = (1u << table_bits) - 1;
    uint32_t i = (uint32_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - table_bits));
    while (table[i] != NONE && at(table[i])->address != address) {
        i = (i + 1) & mask;
    }
    return &table[i];
}

static void grow(void)
{
    uint32_t *old = table;
    uint32_t size = old ? 1u << table_bits : 0;
    table_bits = old ? table_bits + 1 : 14;
    table = g_new(uint32_t, 1u << table_bits);
    memset(table, 0xff, sizeof(uint32_t) << table_bits);
    for (uint32_t i = 0; i < size; i++) {
        if (old[i] != NONE) {
            *place(at(old[i])->address) = old[i];
        }
    }
    g_free(old);
}

uint32_t block_find(uint64_t address, const uint8_t *code, uint32_t size, uint32_t instructions)
{
    if (!blocks) {
        blocks = g_array_new(false, false, sizeof(struct block));
        next = g_array_new(false, false, sizeof(uint32_t));
        code_of_all = g_byte_array_new();
        grow();
    }
    uint32_t *where = place(address);
    for (uint32_t i = *where; i != NONE; i = g_array_index(next, uint32_t, i)) {
        struct block *block = at(i);
        if (block->size == size && !memcmp(code_of_all->data + block->code, code, size)) {
            return i;
        }
    }
    uint32_t number = bank_add_slots(&executions, 1);
    struct block block = {address, code_of_all->len, size, instructions};
    g_array_append_val(blocks, block);
    g_array_append_val(next, *where);
    g_byte_array_append(code_of_all, code, size);
    *where = number;
    if (blocks->len > (1u << table_bits) / 2) {
        grow();
    }
    return number;
}

void blocks_write(void)
{
    section_begin("BLKS");
    if (blocks) {
        section_put(blocks->data, blocks->len * sizeof(struct block));
    }
    section_end();
    section_begin("CODE");
    if (blocks) {
        section_put(code_of_all->data, code_of_all->len);
    }
    section_end();
}
