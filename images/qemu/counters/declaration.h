
/* What follows is emulab's: counters at a pointer in CPUState. */

/* How many counters a vCPU has. */
#define QEMU_PLUGIN_COUNTERS (UINT64_C(1) << 24)

/*
 * Return the counters of a vCPU. A qemu_plugin_u64 without a scoreboard is one of them, at its offset in bytes;
 * inline additions take it.
 */
QEMU_PLUGIN_API
uint64_t *qemu_plugin_counters(unsigned int vcpu_index);

