#ifndef LONGHAUL_TESTS_FAKES_FAKE_SOURCE_H
#define LONGHAUL_TESTS_FAKES_FAKE_SOURCE_H

/* A source that plays rounds of events from a table, with faults. One at a time in a process. */

#include "transporter/source/source.h"

/* One event. content: what a fetch gives; NULL: none. */
struct fake_event {
    enum source_event event;
    enum catalog_kind kind;
    const char *id, *parent, *name, *tag, *content;
    const char *from_parent, *skip_reason;
    unsigned kinds; /* of scopes */
    uint64_t size;
};

#define FAKE_FOLDER(ID, PARENT, NAME)                                                                                  \
    {                                                                                                                  \
        .kind = CATALOG_FOLDER, .id = (ID), .parent = (PARENT), .name = (NAME)                                         \
    }
#define FAKE_MESSAGE(ID, PARENT, NAME, TAG, CONTENT)                                                                   \
    {                                                                                                                  \
        .kind = CATALOG_MESSAGE, .id = (ID), .parent = (PARENT), .name = (NAME), .tag = (TAG), .content = (CONTENT)    \
    }
#define FAKE_FILE(ID, PARENT, NAME, TAG, CONTENT)                                                                      \
    {                                                                                                                  \
        .kind = CATALOG_FILE, .id = (ID), .parent = (PARENT), .name = (NAME), .tag = (TAG), .content = (CONTENT)       \
    }
#define FAKE_DELETE(KIND, ID)                                                                                          \
    {                                                                                                                  \
        .event = SOURCE_DELETE, .kind = (KIND), .id = (ID)                                                             \
    }
#define FAKE_DELETE_FROM(KIND, ID, FROM)                                                                               \
    {                                                                                                                  \
        .event = SOURCE_DELETE, .kind = (KIND), .id = (ID), .from_parent = (FROM)                                      \
    }
#define FAKE_LISTING(PARENT, KINDS)                                                                                    \
    {                                                                                                                  \
        .event = SOURCE_LISTING, .parent = (PARENT), .kinds = (KINDS)                                                  \
    }
#define FAKE_UNLISTED(PARENT, KINDS)                                                                                   \
    {                                                                                                                  \
        .event = SOURCE_UNLISTED, .parent = (PARENT), .kinds = (KINDS)                                                 \
    }
#define FAKE_LISTED(PARENT, KINDS)                                                                                     \
    {                                                                                                                  \
        .event = SOURCE_LISTED, .parent = (PARENT), .kinds = (KINDS)                                                   \
    }

/* What happens to the fetch of one id. */
struct fake_fault {
    const char *id;
    enum source_result result; /* SOURCE_STORED: as usual after `restarts` */
    const char *reason;
    int restarts;  /* gives half of the content and begins anew, so often */
    bool ends_run; /* ERROR_NETWORK */
};

struct fake_plan {
    const struct fake_event *events;
    size_t count;
    const struct fake_fault *faults;
    size_t fault_count;
    const char *cursor_expected; /* what the previous round's `cursor` was; NULL: none must come */
    const char *cursor;          /* to be given at the end */
    bool next_fails;             /* source_next() fails after the events, before the round is complete */
    /* Called from the fetching thread for each fetch; may be NULL. */
    void (*on_fetch)(void *ctx, const char *id);
    void *ctx;
    atomic_uint fetches; /* so far */
};

/* Plays this plan from now on. Borrowed. */
void fake_source_play(struct fake_plan *plan);
extern const struct source_driver fake_source_driver;

#endif
