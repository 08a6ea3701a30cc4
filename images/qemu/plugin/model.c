/*
 * The heavy mode: caches, TLBs, a prefetcher and branch prediction, fed by every block, load and store.
 *
 * All vCPUs run on one modelled core, unless `cores` says otherwise: a benchmark's threads are not at work at the
 * same time. Nothing is locked, as two threads that meet in a set cost one miss at most.
 *
 * Addresses are virtual. Writes allocate. Each level is filled on the way back; none is exclusive.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulab.h"

#define STREAMS 16
#define RETURNS 16
#define MOST_VCPUS 1024
#define PREFETCHED 1

/* Tags are line numbers shifted left by one; bit 0 tells a line that was prefetched and not yet used. */
struct cache {
    uint64_t *tags;
    uint32_t sets;
    uint32_t ways;
    uint32_t shift;
    uint32_t mask; /* sets - 1, 0 where their number is no power of two */
    bool is_random;
    uint32_t seed;
};

struct stream {
    uint64_t line;
    int64_t stride;
    uint32_t confidence;
};

struct core {
    struct cache l1i, l1d, itlb, dtlb;
    uint64_t last_line;
    uint64_t last_page;
    uint64_t last_code_line;
    uint64_t last_code_page;
    struct stream streams[STREAMS];
    uint32_t next_stream;
    uint8_t *directions;
    uint64_t history;
    struct tage *tage;
    uint64_t returns[RETURNS];
    uint32_t depth;
};

struct model_block {
    uint64_t *counts;
    uint64_t address;
    uint64_t next;
    uint64_t branch;
    uint64_t last_target;
    struct flow flow;
    uint32_t size;
};

struct bank measures = {.is_plain = true};
bool model_is_on;

static struct core *cores;
static uint32_t core_count = 1;
static struct cache geometry_l1i, geometry_l1d, geometry_itlb, geometry_dtlb, l2, l3, tlb2;
static uint32_t prefetch_degree;
static uint32_t direction_bits;
static bool is_gshare;
static bool is_tage;
static GPtrArray *blocks;
static struct model_block *previous[MOST_VCPUS];
static struct path *paths[MOST_VCPUS];

static bool cache_prepare(struct cache *cache)
{
    if (cache->ways) {
        cache->tags = g_new(uint64_t, (size_t)cache->sets * cache->ways);
        memset(cache->tags, 0xff, (size_t)cache->sets * cache->ways * sizeof(uint64_t));
        cache->seed = 0x9e3779b9;
    }
    return cache->ways;
}

static uint64_t *cache_set(const struct cache *cache, uint64_t line)
{
    uint64_t set = cache->mask || cache->sets == 1 ? line & cache->mask : line % cache->sets;
    return cache->tags + set * cache->ways;
}

/* Look a line up; it is there afterwards. Tell whether it was, and 2 where a prefetch had brought it. */
static inline int cache_touch(struct cache *cache, uint64_t line, uint64_t mark)
{
    uint64_t *set = cache_set(cache, line);
    uint64_t tag = line << 1;
    for (uint32_t way = 0; way < cache->ways; way++) {
        uint64_t found = set[way];
        if ((found & ~(uint64_t)PREFETCHED) == tag) {
            int result = 1 + (int)(found & PREFETCHED);
            /* What is prefetched again stays as it is. */
            uint64_t kept = mark ? found : tag;
            if (cache->is_random) {
                set[way] = kept;
            } else {
                for (; way; way--) {
                    set[way] = set[way - 1];
                }
                set[0] = kept;
            }
            return result;
        }
    }
    if (cache->is_random) {
        cache->seed ^= cache->seed << 13;
        cache->seed ^= cache->seed >> 17;
        cache->seed ^= cache->seed << 5;
        set[cache->seed % cache->ways] = tag | mark;
    } else {
        for (uint32_t way = cache->ways - 1; way; way--) {
            set[way] = set[way - 1];
        }
        set[0] = tag | mark;
    }
    return 0;
}

/* A line that the first level missed comes from further away. */
static inline void fetch(uint64_t address, uint64_t *counts, int missed_l2)
{
    if (l2.ways && cache_touch(&l2, address >> l2.shift, 0)) {
        return;
    }
    counts[missed_l2]++;
    if (l3.ways && cache_touch(&l3, address >> l3.shift, 0)) {
        return;
    }
    counts[MEASURE_MEMORY]++;
}

static void prefetch(struct core *core, uint64_t line, int64_t stride, uint64_t *counts)
{
    for (uint32_t i = 1; i <= prefetch_degree; i++) {
        uint64_t ahead = line + stride * (int64_t)i;
        if (cache_touch(&core->l1d, ahead, PREFETCHED)) {
            continue;
        }
        uint64_t address = ahead << core->l1d.shift;
        if (l2.ways && cache_touch(&l2, address >> l2.shift, 0)) {
            continue;
        }
        if (!l3.ways || !cache_touch(&l3, address >> l3.shift, 0)) {
            counts[MEASURE_PREFETCH_MEMORY]++;
        }
    }
}

/* A line was missed, or a prefetched one used for the first time: is it the next of a stream? */
static void train(struct core *core, uint64_t line, uint64_t *counts)
{
    struct stream *nearest = NULL;
    for (uint32_t i = 0; i < STREAMS; i++) {
        struct stream *stream = &core->streams[i];
        int64_t step = line - stream->line;
        if (step == stream->stride && step) {
            stream->line = line;
            if (++stream->confidence >= 2) {
                prefetch(core, line, step, counts);
            }
            return;
        }
        if (step && step > -16 && step < 16) {
            nearest = stream;
        }
    }
    if (!nearest) {
        nearest = &core->streams[core->next_stream++ % STREAMS];
        *nearest = (struct stream){line, 0, 0};
        return;
    }
    nearest->stride = line - nearest->line;
    nearest->line = line;
    nearest->confidence = 1;
}

static inline void translate(struct cache *tlb, uint64_t address, uint64_t *counts, int missed)
{
    if (!cache_touch(tlb, address >> tlb->shift, 0)) {
        counts[missed]++;
        if (tlb2.ways && !cache_touch(&tlb2, address >> tlb2.shift, 0)) {
            counts[MEASURE_WALK]++;
        }
    }
}

static inline struct core *core_of(unsigned int vcpu)
{
    return core_count == 1 ? cores : &cores[vcpu % core_count];
}

static void access_line(struct core *core, uint64_t address, uint64_t *counts, int missed)
{
    uint64_t line = address >> core->l1d.shift;
    if (line == core->last_line) {
        return;
    }
    core->last_line = line;
    if (core->dtlb.ways) {
        uint64_t page = address >> core->dtlb.shift;
        if (page != core->last_page) {
            core->last_page = page;
            translate(&core->dtlb, address, counts, MEASURE_DTLB);
        }
    }
    int found = cache_touch(&core->l1d, line, 0);
    if (found == 1) {
        return;
    }
    if (found) {
        counts[MEASURE_PREFETCHED]++;
    } else {
        counts[missed]++;
        fetch(address, counts, MEASURE_L2D);
    }
    if (prefetch_degree) {
        train(core, line, counts);
    }
}

static inline void access_data(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data, int missed)
{
    struct core *core = core_of(vcpu);
    struct model_block *block = data;
    uint64_t line_size = UINT64_C(1) << core->l1d.shift;
    access_line(core, address, block->counts, missed);
    if ((address & (line_size - 1)) > line_size - 16) {
        uint64_t last = address + (UINT64_C(1) << qemu_plugin_mem_size_shift(info)) - 1;
        access_line(core, last, block->counts, missed);
    }
}

static void on_load(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    access_data(vcpu, info, address, data, MEASURE_L1D_LOAD);
}

static void on_store(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    access_data(vcpu, info, address, data, MEASURE_L1D_STORE);
}

static inline struct path *path_of(unsigned int vcpu)
{
    struct path **path = &paths[vcpu % MOST_VCPUS];
    if (!*path) {
        *path = path_new();
    }
    return *path;
}

static inline void predict_direction(unsigned int vcpu, struct core *core, struct model_block *block, bool taken)
{
    block->counts[taken ? MEASURE_TAKEN : MEASURE_NOT_TAKEN]++;
    if (is_tage) {
        block->counts[MEASURE_MISPREDICTED] += !tage_direction(core->tage, path_of(vcpu), block->branch, taken);
        return;
    }
    if (!direction_bits) {
        return;
    }
    uint64_t index = block->branch >> 1 ^ (is_gshare ? core->history : 0);
    uint8_t *state = &core->directions[index & ((UINT64_C(1) << direction_bits) - 1)];
    if ((*state >= 2) != taken) {
        block->counts[MEASURE_MISPREDICTED]++;
    }
    if (taken) {
        *state += *state < 3;
    } else {
        *state -= *state > 0;
    }
    core->history = core->history << 1 | taken;
}

static inline void predict_target(unsigned int vcpu, struct core *core, struct model_block *block, uint64_t target)
{
    bool is_right = is_tage
                        ? tage_target(core->tage, path_of(vcpu), block->branch, block->last_target, target)
                        : block->last_target == target;
    block->counts[MEASURE_TARGET_MISPREDICTED] += !is_right;
    block->last_target = target;
}

/* The block before has led to this one. */
static inline void resolve(unsigned int vcpu, struct core *core, struct model_block *block, uint64_t to)
{
    switch (block->flow.kind) {
    case FLOW_BRANCH:
        /* Neither: a signal or an interrupt came between. */
        if (to == block->next || to == block->flow.target) {
            predict_direction(vcpu, core, block, to != block->next);
        }
        break;
    case FLOW_INDIRECT_CALL:
        predict_target(vcpu, core, block, to);
        /* fall through */
    case FLOW_CALL:
        core->returns[core->depth++ % RETURNS] = block->next;
        break;
    case FLOW_INDIRECT_JUMP:
        predict_target(vcpu, core, block, to);
        break;
    case FLOW_RETURN:
        if (core->returns[--core->depth % RETURNS] != to) {
            block->counts[MEASURE_TARGET_MISPREDICTED]++;
        }
        break;
    default:
        break;
    }
}

static void on_block(unsigned int vcpu, void *data)
{
    struct model_block *block = data;
    struct core *core = core_of(vcpu);
    struct model_block **before = &previous[vcpu % MOST_VCPUS];
    if (*before) {
        resolve(vcpu, core, *before, block->address);
    }
    *before = block;
    if (!core->l1i.ways) {
        return;
    }
    uint64_t line = block->address >> core->l1i.shift;
    uint64_t last = (block->address + block->size - 1) >> core->l1i.shift;
    for (; line <= last; line++) {
        if (line == core->last_code_line) {
            continue;
        }
        core->last_code_line = line;
        uint64_t address = line << core->l1i.shift;
        if (core->itlb.ways && address >> core->itlb.shift != core->last_code_page) {
            core->last_code_page = address >> core->itlb.shift;
            translate(&core->itlb, address, block->counts, MEASURE_ITLB);
        }
        if (!cache_touch(&core->l1i, line, 0)) {
            block->counts[MEASURE_L1I]++;
            fetch(address, block->counts, MEASURE_L2I);
        }
    }
}

void model_watch(struct qemu_plugin_tb *tb, uint32_t number, const uint8_t *code, uint32_t size)
{
    size_t instructions = qemu_plugin_tb_n_insns(tb);
    struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, instructions - 1);
    uint32_t last_size = qemu_plugin_insn_size(last);
    if (number == blocks->len) {
        struct model_block *block = g_new0(struct model_block, 1);
        block->counts = bank_row(&measures, 0) + bank_add_slots(&measures, MEASURES);
        block->address = qemu_plugin_tb_vaddr(tb);
        block->size = size;
        block->next = block->address + size;
        block->branch = block->next - last_size;
        block->flow = flow_of(code + size - last_size, last_size, block->branch);
        g_ptr_array_add(blocks, block);
    }
    struct model_block *block = blocks->pdata[number];
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, block);
    if (!cores->l1d.ways) {
        return;
    }
    for (size_t i = 0; i < instructions; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        qemu_plugin_register_vcpu_mem_cb(insn, on_load, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_R, block);
        qemu_plugin_register_vcpu_mem_cb(insn, on_store, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_W, block);
    }
}

/* SIZE:WAYS:LINE, of a TLB ENTRIES:WAYS:PAGE; ":random" after it where a victim is drawn, not the oldest. */
static bool parse_cache(struct cache *cache, const char *text, bool is_tlb)
{
    unsigned long size, ways, line;
    int used = 0;
    if (sscanf(text, "%lu:%lu:%lu%n", &size, &ways, &line, &used) != 3 || !size || !ways || !line || (line & (line - 1))) {
        return false;
    }
    cache->is_random = !strcmp(text + used, ":random");
    if (text[used] && !cache->is_random) {
        return false;
    }
    unsigned long sets = is_tlb ? size / ways : size / ways / line;
    if (!sets || ways > 4096 || sets > (1ul << 30) / ways) {
        return false;
    }
    cache->ways = ways;
    cache->sets = sets;
    cache->shift = __builtin_ctzl(line);
    cache->mask = sets & (sets - 1) ? 0 : sets - 1;
    return true;
}

bool model_argument(const char *name, const char *value, bool *is_valid)
{
    const struct {
        const char *name;
        struct cache *cache;
        bool is_tlb;
    } caches[] = {{"l1i", &geometry_l1i, false}, {"l1d", &geometry_l1d, false}, {"l2", &l2, false}, {"l3", &l3, false},
                  {"itlb", &geometry_itlb, true}, {"dtlb", &geometry_dtlb, true}, {"tlb2", &tlb2, true}};
    *is_valid = true;
    for (size_t i = 0; i < sizeof(caches) / sizeof(*caches); i++) {
        if (!strcmp(name, caches[i].name)) {
            *is_valid = parse_cache(caches[i].cache, value, caches[i].is_tlb);
            return model_is_on = true;
        }
    }
    if (!strcmp(name, "prefetch")) {
        prefetch_degree = atoi(value);
        *is_valid = prefetch_degree <= 64;
        return model_is_on = true;
    }
    if (!strcmp(name, "branch")) {
        is_tage = !strcmp(value, "tage");
        if (is_tage) {
            return model_is_on = true;
        }
        is_gshare = g_str_has_prefix(value, "gshare:");
        const char *number = strchr(value, ':');
        direction_bits = number ? atoi(number + 1) : 0;
        *is_valid = (is_gshare || g_str_has_prefix(value, "bimodal:")) && direction_bits >= 1 && direction_bits <= 24;
        return model_is_on = true;
    }
    if (!strcmp(name, "cores")) {
        core_count = atoi(value);
        *is_valid = core_count >= 1 && core_count <= 64;
        return model_is_on = true;
    }
    return false;
}

void model_prepare(void)
{
    blocks = g_ptr_array_new();
    cores = g_new0(struct core, core_count);
    cache_prepare(&l2);
    cache_prepare(&l3);
    cache_prepare(&tlb2);
    for (uint32_t i = 0; i < core_count; i++) {
        struct core *core = &cores[i];
        core->l1i = geometry_l1i;
        core->l1d = geometry_l1d;
        core->itlb = geometry_itlb;
        core->dtlb = geometry_dtlb;
        cache_prepare(&core->l1i);
        cache_prepare(&core->l1d);
        cache_prepare(&core->itlb);
        cache_prepare(&core->dtlb);
        core->last_line = core->last_page = core->last_code_line = core->last_code_page = UINT64_MAX;
        core->tage = is_tage ? tage_new() : NULL;
        core->directions = g_new(uint8_t, UINT64_C(1) << direction_bits);
        memset(core->directions, 1, UINT64_C(1) << direction_bits);
    }
}
