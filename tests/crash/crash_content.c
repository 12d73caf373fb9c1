#include "tests/crash/crash_content.h"

#include "common/base/memory.h"

#include <stdio.h>
#include <string.h>

#define FILE_BYTES ((size_t)40 << 10)
#define PART_LINES 200

/* A third of the items changes with each version; item 1 is deleted in version 2. */
bool
crash_content_changed(unsigned item, unsigned version)
{
    return item % 3 == version % 3 || (item == 1 && version == 2);
}

enum catalog_kind
crash_content_kind(unsigned item)
{
    return item % 2 == 0 ? CATALOG_FILE : CATALOG_MESSAGE;
}

static unsigned
generation(unsigned item, unsigned version)
{
    while (version > 1 && !crash_content_changed(item, version))
        version--;
    return version;
}

static size_t
fill(uint8_t *out, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(seed >> 40);
    }
    return len;
}

static size_t
make_message(char *out, size_t room, unsigned item, unsigned number)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[76];
    size_t len = (size_t)snprintf(out, room,
                                  "From: a@example.com\r\nSubject: %u in version %u\r\nContent-Transfer-Encoding: "
                                  "base64\r\n\r\n",
                                  item, number);
    for (unsigned line = 0; line < PART_LINES; line++) {
        fill(bytes, sizeof(bytes), (uint64_t)item << 32 | number << 16 | line);
        for (size_t i = 0; i < sizeof(bytes); i++)
            out[len++] = alphabet[bytes[i] % 64];
        out[len++] = '\r';
        out[len++] = '\n';
    }
    return len;
}

size_t
crash_content_len(unsigned item, unsigned version)
{
    uint8_t *data;
    size_t len = crash_content_make(item, version, &data);
    memory_free_p(&data);
    return len;
}

size_t
crash_content_make(unsigned item, unsigned version, uint8_t **data)
{
    unsigned number = generation(item, version);
    *data = memory_new(FILE_BYTES + 1024);
    if (item == 1 && version >= 2)
        return 0;
    if (crash_content_kind(item) == CATALOG_MESSAGE)
        return make_message((char *)*data, FILE_BYTES, item, number);
    return fill(*data, FILE_BYTES - item * 100, (uint64_t)item << 32 | number);
}
