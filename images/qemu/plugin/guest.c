/* The guest's registers and memory, as far as a window's argument needs them. */
#include <stdlib.h>
#include <string.h>

#include "emulab.h"

static char *register_name;
static bool is_in_memory;
static uint64_t offset;
static int width = 8;
static struct qemu_plugin_register *handle;

bool guest_argument_set(const char *place, int bytes)
{
    const char *plus = strchr(place, '+');
    g_free(register_name);
    register_name = plus ? g_strndup(place, plus - place) : g_strdup(place);
    is_in_memory = plus != NULL;
    width = bytes;
    if (plus) {
        char *end;
        offset = strtoull(plus + 1, &end, 0);
        return end != plus + 1 && !*end;
    }
    return *register_name;
}

void guest_find_registers(void)
{
    if (!register_name || handle) {
        return;
    }
    GArray *all = qemu_plugin_get_registers();
    for (guint i = 0; i < all->len; i++) {
        qemu_plugin_reg_descriptor *each = &g_array_index(all, qemu_plugin_reg_descriptor, i);
        if (!strcmp(each->name, register_name)) {
            handle = each->handle;
        }
    }
    g_array_free(all, true);
}

static uint64_t number(const GByteArray *buffer)
{
    uint64_t value = 0;
    memcpy(&value, buffer->data, MIN(buffer->len, 8));
    return value;
}

uint64_t guest_argument(void)
{
    uint64_t value = 0;
    GByteArray *buffer = g_byte_array_new();
    if (handle && qemu_plugin_read_register(handle, buffer) > 0) {
        value = number(buffer);
        if (is_in_memory) {
            g_byte_array_set_size(buffer, 0);
            value = qemu_plugin_read_memory_vaddr(value + offset, buffer, width) ? number(buffer) : 0;
        }
    }
    g_byte_array_free(buffer, true);
    return value;
}
