/*
 * Counters of vCPUs: for each a region of u64 that translated code finds at a pointer in its CPUState, so that
 * counting takes a load of that pointer and an addition at a fixed place behind it.
 *
 * A region is reserved as a whole and takes memory where it is counted. It outlives its vCPU: the next one with
 * that index goes on counting in it.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/error-report.h"
#include "qemu/plugin.h"

#define MOST_VCPUS 65536

static uint64_t *regions[MOST_VCPUS];

uint64_t *qemu_plugin_counters(unsigned int vcpu_index)
{
    uint64_t *known, *region;

    if (vcpu_index >= MOST_VCPUS) {
        error_report("plugin: more than %d vCPUs are not counted", MOST_VCPUS);
        abort();
    }
    known = qatomic_read(&regions[vcpu_index]);
    if (known) {
        return known;
    }
    region = mmap(NULL, QEMU_PLUGIN_COUNTERS * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) {
        error_report("plugin: no room for the counters of vCPU %u: %s", vcpu_index, strerror(errno));
        abort();
    }
    known = qatomic_cmpxchg(&regions[vcpu_index], NULL, region);
    if (known) {
        munmap(region, QEMU_PLUGIN_COUNTERS * sizeof(uint64_t));
        return known;
    }
    return region;
}
