/*
 * Branch prediction by tagged tables of geometric history lengths: what recent large cores do.
 *
 * A. Seznec and P. Michaud, "A case for (partially) tagged geometric history length branch prediction", JILP 8, 2006;
 * its companion for the targets of indirect jumps: A. Seznec, "A 64-Kbytes ITTAGE indirect branch predictor", 2011.
 * Sizes are of the order of a large core's. Nothing is random but by a seed, so the same run foretells the same.
 *
 * Each vCPU has a path of its own, as its thread of a core would: what is folded must have been put in by one hand.
 */
#include "emulab.h"

#define TABLES 8
#define SHORTEST 5
#define LONGEST 400
#define ENTRIES_LOG 12
#define TAG_BITS 12
#define BASE_LOG 15
#define HISTORY 512 /* bits that are kept, a power of two above LONGEST */
#define AGEING (1 << 18)

#define TARGET_TABLES 4
#define TARGET_LOG 10

struct entry {
    int8_t counter; /* -4 to 3: taken from 0 on */
    uint8_t useful; /* 0 to 3 */
    uint16_t tag;
};

struct target_entry {
    uint64_t target;
    uint32_t tag;
    uint8_t confidence; /* 0 to 3 */
};

/* A history of `length` bits folded into `width` ones, kept up to date bit by bit. */
struct fold {
    uint32_t value;
    uint32_t width;
    uint32_t length;
};

/* The way to where a vCPU is. */
struct path {
    struct fold index[TABLES], tag[2][TABLES], target[TARGET_TABLES];
    uint8_t bits[HISTORY];
    uint32_t head;
};

struct tage {
    int8_t base[1 << BASE_LOG]; /* -2 to 1 */
    struct entry tables[TABLES][1 << ENTRIES_LOG];
    int8_t prefers_other; /* whether the next best says more than a new entry: -8 to 7 */
    uint32_t seed;
    uint32_t updates;
    struct target_entry targets[TARGET_TABLES][1 << TARGET_LOG];
};

static const uint32_t target_lengths[TARGET_TABLES] = {4, 12, 32, 96};

struct tage *tage_new(void)
{
    struct tage *tage = g_new0(struct tage, 1);
    tage->seed = 0x9e3779b9;
    return tage;
}

struct path *path_new(void)
{
    struct path *path = g_new0(struct path, 1);
    double length = SHORTEST;
    double ratio = 1.0;
    /* The ratio that leads from the shortest to the longest: its power of TABLES - 1 is theirs. */
    for (double low = 1.0, high = 4.0; high - low > 1e-9;) {
        double power = 1.0;
        ratio = (low + high) / 2;
        for (int i = 1; i < TABLES; i++) {
            power *= ratio;
        }
        *(power * SHORTEST < LONGEST ? &low : &high) = ratio;
    }
    for (int i = 0; i < TABLES; i++, length *= ratio) {
        uint32_t bits = (uint32_t)(length + 0.5);
        path->index[i] = (struct fold){.width = ENTRIES_LOG, .length = bits};
        path->tag[0][i] = (struct fold){.width = TAG_BITS, .length = bits};
        path->tag[1][i] = (struct fold){.width = TAG_BITS - 1, .length = bits};
    }
    for (int i = 0; i < TARGET_TABLES; i++) {
        path->target[i] = (struct fold){.width = TARGET_LOG, .length = target_lengths[i]};
    }
    return path;
}

static inline void fold_in(struct fold *fold, uint32_t newest, uint32_t oldest)
{
    fold->value = fold->value << 1 | newest;
    fold->value ^= oldest << fold->length % fold->width;
    fold->value ^= fold->value >> fold->width;
    fold->value &= (1u << fold->width) - 1;
}

static inline uint32_t past(const struct path *path, uint32_t length)
{
    return path->bits[(path->head + length) & (HISTORY - 1)];
}

static void remember(struct path *path, uint32_t bit)
{
    path->head = (path->head - 1) & (HISTORY - 1);
    path->bits[path->head] = bit;
    for (int i = 0; i < TABLES; i++) {
        uint32_t oldest = past(path, path->index[i].length);
        fold_in(&path->index[i], bit, oldest);
        fold_in(&path->tag[0][i], bit, oldest);
        fold_in(&path->tag[1][i], bit, oldest);
    }
    for (int i = 0; i < TARGET_TABLES; i++) {
        fold_in(&path->target[i], bit, past(path, path->target[i].length));
    }
}

static inline uint32_t draw(struct tage *tage)
{
    tage->seed ^= tage->seed << 13;
    tage->seed ^= tage->seed >> 17;
    tage->seed ^= tage->seed << 5;
    return tage->seed;
}

static inline void step(int8_t *counter, bool up, int8_t least, int8_t most)
{
    if (up) {
        *counter += *counter < most;
    } else {
        *counter -= *counter > least;
    }
}

static struct entry *
place(struct tage *tage, const struct path *path, int table, uint32_t address, uint16_t *tag)
{
    uint32_t index = address ^ address >> (ENTRIES_LOG - table % 4) ^ path->index[table].value;
    *tag = (address ^ path->tag[0][table].value ^ path->tag[1][table].value << 1) & ((1u << TAG_BITS) - 1);
    return &tage->tables[table][index & ((1u << ENTRIES_LOG) - 1)];
}

/* Take an entry of a longer history for a branch that was foretold wrongly. */
static void allocate(struct tage *tage, struct entry **found, const uint16_t *tags, int provider, bool taken)
{
    int from = provider + 1;
    /* Not always the next longer one, so that branches do not fight for it. */
    for (uint32_t random = draw(tage); from + 1 < TABLES && random & 1 && from < provider + 3; random >>= 1) {
        from++;
    }
    for (int i = from; i < TABLES; i++) {
        if (!found[i]->useful) {
            *found[i] = (struct entry){.counter = taken ? 0 : -1, .tag = tags[i]};
            return;
        }
    }
    for (int i = provider + 1; i < TABLES; i++) {
        found[i]->useful -= found[i]->useful > 0;
    }
}

bool tage_direction(struct tage *tage, struct path *path, uint64_t where, bool taken)
{
    uint32_t address = (uint32_t)(where >> 1);
    int8_t *base = &tage->base[address & ((1u << BASE_LOG) - 1)];
    struct entry *found[TABLES];
    uint16_t tags[TABLES];
    int provider = -1, other = -1;
    for (int i = 0; i < TABLES; i++) {
        found[i] = place(tage, path, i, address, &tags[i]);
        if (found[i]->tag == tags[i]) {
            other = provider;
            provider = i;
        }
    }
    bool by_other = other >= 0 ? found[other]->counter >= 0 : *base >= 0;
    bool by_provider = provider >= 0 ? found[provider]->counter >= 0 : by_other;
    bool is_new = provider >= 0 && !found[provider]->useful &&
                  (found[provider]->counter == 0 || found[provider]->counter == -1);
    bool foretold = is_new && tage->prefers_other >= 0 ? by_other : by_provider;
    if (is_new && by_provider != by_other) {
        step(&tage->prefers_other, by_other == taken, -8, 7);
    }
    if (foretold != taken && provider < TABLES - 1) {
        allocate(tage, found, tags, provider, taken);
    }
    if (provider >= 0) {
        if (by_provider != by_other) {
            if (by_provider == taken) {
                found[provider]->useful += found[provider]->useful < 3;
            } else {
                found[provider]->useful -= found[provider]->useful > 0;
            }
        }
        if (is_new) {
            step(other >= 0 ? &found[other]->counter : base, taken, other >= 0 ? -4 : -2, other >= 0 ? 3 : 1);
        }
        step(&found[provider]->counter, taken, -4, 3);
    } else {
        step(base, taken, -2, 1);
    }
    if (++tage->updates % AGEING == 0) {
        for (int table = 0; table < TABLES; table++) {
            for (int i = 0; i < 1 << ENTRIES_LOG; i++) {
                tage->tables[table][i].useful >>= 1;
            }
        }
    }
    remember(path, taken);
    return foretold == taken;
}

bool tage_target(struct tage *tage, struct path *path, uint64_t where, uint64_t last, uint64_t target)
{
    uint32_t address = (uint32_t)(where >> 1);
    struct target_entry *found[TARGET_TABLES];
    uint32_t tags[TARGET_TABLES];
    int provider = -1;
    for (int i = 0; i < TARGET_TABLES; i++) {
        uint32_t mixed = address ^ path->target[i].value * 0x9e3779b1u;
        found[i] = &tage->targets[i][(mixed ^ mixed >> 15) & ((1u << TARGET_LOG) - 1)];
        tags[i] = mixed | 1;
        if (found[i]->tag == tags[i] && found[i]->confidence) {
            provider = i;
        }
    }
    bool is_right = (provider >= 0 ? found[provider]->target : last) == target;
    if (provider >= 0) {
        if (is_right) {
            found[provider]->confidence += found[provider]->confidence < 3;
        } else if (!--found[provider]->confidence) {
            *found[provider] = (struct target_entry){.target = target, .tag = tags[provider], .confidence = 1};
        }
    }
    if (!is_right) {
        for (int i = provider + 1; i < TARGET_TABLES; i++) {
            if (found[i]->confidence <= 1) {
                *found[i] = (struct target_entry){.target = target, .tag = tags[i], .confidence = 1};
                break;
            }
            found[i]->confidence--;
        }
    }
    /* Where it led to is part of the way. */
    remember(path, target >> 2 & 1);
    remember(path, target >> 4 & 1);
    return is_right;
}
