/*
 * The profile's file: a header, sections, an end with a checksum. docs/profile-format.md describes it.
 *
 * The content is gathered in memory and written with the file opened only for that moment: in user mode the
 * guest shares this process's table of open files, and may close what it does not know.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "emulab.h"

#define VERSION 1
#define FLUSH_AT (8u << 20)

struct header {
    char magic[8];
    uint32_t version;
    uint32_t size;
    char isa[16];
    char plugin[32];
    char qemu[32];
    uint32_t flags;
    uint32_t reserved[7];
};

static char *path;
static pid_t owner;
static bool is_failed;
static GByteArray *pending;
static size_t section_start;
static uint32_t checksum = 0xffffffff;
static uint64_t written;
static uint32_t crc_table[8][256];

/* CRC-32 as zlib has it, eight bytes at a step. */
static void crc_prepare(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) {
            c = c & 1 ? 0xedb88320 ^ (c >> 1) : c >> 1;
        }
        crc_table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (int t = 1; t < 8; t++) {
            uint32_t c = crc_table[t - 1][i];
            crc_table[t][i] = crc_table[0][c & 0xff] ^ (c >> 8);
        }
    }
}

static uint32_t crc_update(uint32_t crc, const uint8_t *data, size_t size)
{
    while (size >= 8) {
        uint32_t low, high;
        memcpy(&low, data, 4);
        memcpy(&high, data + 4, 4);
        low ^= crc;
        crc = crc_table[7][low & 0xff] ^ crc_table[6][(low >> 8) & 0xff] ^ crc_table[5][(low >> 16) & 0xff] ^
              crc_table[4][low >> 24] ^ crc_table[3][high & 0xff] ^ crc_table[2][(high >> 8) & 0xff] ^
              crc_table[1][(high >> 16) & 0xff] ^ crc_table[0][high >> 24];
        data += 8;
        size -= 8;
    }
    while (size--) {
        crc = crc_table[0][(crc ^ *data++) & 0xff] ^ (crc >> 8);
    }
    return crc;
}

static void fail(const char *what)
{
    if (!is_failed) {
        fprintf(stderr, "emulab: the profile %s could not be %s: %s\n", path, what, strerror(errno));
        is_failed = true;
    }
}

static void flush(void)
{
    if (is_failed || !pending->len) {
        return;
    }
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_APPEND);
    if (fd < 0) {
        fail("opened");
        return;
    }
    checksum = crc_update(checksum, pending->data, pending->len);
    for (size_t done = 0; done < pending->len;) {
        ssize_t n = write(fd, pending->data + done, pending->len - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            fail("written");
            break;
        }
        done += n;
    }
    close(fd);
    written += pending->len;
    g_byte_array_set_size(pending, 0);
}

/* Take the file at once: a program that the counted one starts is counted too, into a file of its own. */
static void create(const char *to)
{
    path = g_strdup(to);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_CREAT | O_EXCL, 0644);
    if (fd < 0 && errno == EEXIST) {
        g_free(path);
        path = g_strdup_printf("%s.%d", to, (int)owner);
        fd = open(path, O_WRONLY | O_CLOEXEC | O_CREAT | O_TRUNC, 0644);
    }
    if (fd < 0) {
        fail("created");
    } else {
        close(fd);
    }
}

void profile_open(const char *to, const char *isa, bool is_system)
{
    struct header header = {.version = VERSION, .size = sizeof(header), .flags = is_system};
    memcpy(header.magic, "EMUPROF", 8);
    g_strlcpy(header.isa, isa, sizeof(header.isa));
    g_strlcpy(header.plugin, EMULAB_BUILD, sizeof(header.plugin));
    g_strlcpy(header.qemu, EMULAB_QEMU, sizeof(header.qemu));
    crc_prepare();
    owner = getpid();
    create(to);
    pending = g_byte_array_new();
    g_byte_array_append(pending, (const uint8_t *)&header, sizeof(header));
}

void section_begin(const char *tag)
{
    static const uint8_t zeros[12];
    if (pending->len > FLUSH_AT && getpid() == owner) {
        flush();
    }
    section_start = pending->len;
    g_byte_array_append(pending, (const uint8_t *)tag, 4);
    g_byte_array_append(pending, zeros, sizeof(zeros));
}

void section_put(const void *data, size_t size)
{
    g_byte_array_append(pending, data, size);
}

void section_end(void)
{
    static const uint8_t zeros[8];
    uint64_t size = pending->len - section_start - 16;
    memcpy(pending->data + section_start + 8, &size, sizeof(size));
    g_byte_array_append(pending, zeros, -size & 7);
}

void profile_close(void)
{
    if (getpid() != owner) {
        return;
    }
    flush();
    uint64_t end[2] = {checksum ^ 0xffffffff, written};
    section_begin("ENDS");
    section_put(end, sizeof(end));
    section_end();
    flush();
}
