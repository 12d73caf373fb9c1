#ifndef LONGHAUL_TRANSPORTER_SOURCE_SOURCE_H
#define LONGHAUL_TRANSPORTER_SOURCE_SOURCE_H

/* What a workload (mailbox, drive) offers to the backup pipeline: the changes since a cursor, and the bytes of an
 * item. The pipeline knows nothing of Microsoft Graph.
 *
 * Order and folding. Events have rising sequence numbers. For one id the event with the highest sequence wins; the
 * same id may come more than once in a round. Events are not conditional except these two:
 *  - DELETE with a from_parent applies only if, after all UPSERTs of the round, the record's parent still is
 *    from_parent: a mail "deleted" in one folder may have been moved to another, in this round or in the one before.
 *    Such DELETEs come after all UPSERTs.
 *  - A deleted FOLDER takes along every record whose parent, after the round, still is that folder, and so on down.
 * LISTED says that everything in its scope has been named since the matching LISTING: records in scope that were not
 * are gone. A second LISTING of the same scope before LISTED starts over. Scope: records of the kinds in `kinds` whose
 * parent is parent_id; parent_id "" means wherever they are. Nothing is gone because a listing lacks it before its
 * LISTED came; UNLISTED instead says that the listing was given up and says nothing. A DELETE of an unknown id is
 * normal and ignored. REFUSED: nothing of the kinds in `kinds` can be read; their records stay as they are. id says
 * what was refused, name why, skip_reason is the reason code.
 *
 * Memory: a source holds one page of the service (at most 64 MiB, usually under 2 MiB) and 32 bytes per deletion of
 * the folder being read; deletions wait in a temporary file. */

#include "common/vault/catalog_kind.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;
struct graph_client;
struct source;

enum source_event { SOURCE_UPSERT, SOURCE_DELETE, SOURCE_LISTING, SOURCE_LISTED, SOURCE_UNLISTED, SOURCE_REFUSED };

/* Flags of an item for lists; the whole truth is in metadata. */
#define SOURCE_FLAG_READ        0x0001u
#define SOURCE_FLAG_DRAFT       0x0002u
#define SOURCE_FLAG_FLAGGED     0x0004u
#define SOURCE_FLAG_ATTACHMENTS 0x0008u
#define SOURCE_FLAG_HIDDEN      0x0010u
#define SOURCE_FLAG_PROTECTED   0x0020u /* S/MIME, rpmsg: stored as it is, never opened */
#define SOURCE_FLAG_PACKAGE     0x0040u /* OneNote notebook: a folder of section files */
#define SOURCE_FLAG_SHORTCUT    0x0080u /* points into another drive: recorded, not followed */
#define SOURCE_FLAG_MALWARE     0x0100u /* the service does not hand it out */

/* One heap block; free with source_item_free(). All texts are UTF-8, never NULL. */
struct source_item {
    uint64_t sequence;
    enum source_event event;
    enum catalog_kind kind;
    unsigned kinds;          /* LISTING, LISTED, UNLISTED: set of CATALOG_KIND_BIT, all with one kind of parent */
    const char *id;          /* stable, case-sensitive, at most 512 bytes */
    const char *parent_id;   /* UPSERT: the folder; LISTING and its end: the scope. "" at the top */
    const char *from_parent; /* DELETE: condition; "" means unconditional */
    const char *name;        /* folder or file name; subject */
    const char *from;        /* mail: sender's address */
    const char *well_known;  /* folder: "inbox", ...; "" */
    uint64_t size;           /* as the service states it; may differ from the bytes */
    int64_t created_ms, modified_ms; /* file: its own dates; mail: received in modified_ms, sent in created_ms */
    unsigned flags;
    /* Version of the content: a record with the same id and tag already has it, no fetch is needed. "" : unknown */
    const char *change_tag;
    /* Everything known about the item as JSON, to be stored beside its content. */
    const char *metadata;
    size_t metadata_len;
    bool has_content; /* UPSERT: source_fetch() gives bytes; false for folders, zero-byte files, shortcuts */
    /* Not fetchable, known already at listing: a reason code as in struct source_outcome; "" otherwise. */
    const char *skip_reason;
    const char *locator;      /* private to the source */
    struct source_item *next; /* private to the source */
};

void source_item_free(struct source_item *item);
void source_item_free_p(struct source_item **item);

/* Takes the content. One sink belongs to one fetch. */
struct source_sink {
    void *ctx;
    int (*write)(void *ctx, const void *data, size_t len, struct error *err);
    /* Forget what was written: the content comes again from its first byte. Required. */
    int (*restart)(void *ctx, struct error *err);
};

enum source_result {
    SOURCE_STORED,  /* the sink has it all; reason, when not "", is a note ("hash_differs", "size_differs",
                       "empty_content") */
    SOURCE_GONE,    /* deleted since it was listed: no record, no gap */
    SOURCE_SKIPPED, /* cannot be protected, by the service's own statement */
    SOURCE_FAILED   /* should have worked */
};

struct source_outcome {
    enum source_result result;
    char reason[48];  /* stable code: "malware", "corrupt_item", "mime_conversion", "locked", "restricted", ... */
    char detail[160]; /* status and service code for the operator; no names, no content */
    uint64_t bytes;   /* given to the sink */
};

struct source_options {
    struct graph_client *graph; /* borrowed for the source's life */
    const char *external_id;    /* Microsoft's id of the user */
    const void *cursor;         /* of the previous point; NULL: first run */
    size_t cursor_len;
    bool force_full;           /* list everything although there is a cursor */
    const char *scratch;       /* folder for temporary files */
    const atomic_bool *cancel; /* may be NULL; borrowed for the source's life */
    uint32_t page_size;        /* 0: the workload's default */
};

struct source_driver {
    const char *name; /* "exchange-mail", "drive" */
    struct source *(*open)(const struct source_options *options, struct error *err);
};

extern const struct source_driver exchange_driver; /* a mailbox: all of what follows, but for drives */
extern const struct source_driver exchange_contacts_driver;
extern const struct source_driver exchange_mail_driver;
extern const struct source_driver drive_driver;

/* Asks the service little or nothing yet. ERROR_FORMAT when the cursor is not one of this driver. NOT_FOUND,
 * DENIED, UNSUPPORTED and UNAVAILABLE from the first source_next() say that the whole object cannot be read. */
struct source *source_open(const struct source_driver *driver, const struct source_options *options, struct error *err);
void source_free(struct source *source);
void source_free_p(struct source **source);

/* Next event: 1 and *item (the caller's), 0 when the round is complete, -1. One thread at a time. After -1 the
 * round is void: nothing may be committed from it. */
int source_next(struct source *source, struct source_item **item, struct error *err);

/* Bytes of an UPSERT item with has_content. Any number of threads, also while source_next() runs. 0 when outcome
 * tells the item's fate; -1 when the run itself cannot go on (cancelled, credentials refused, network gone for
 * good, sink failed). */
int source_fetch(struct source *source, const struct source_item *item, const struct source_sink *sink,
                 struct source_outcome *outcome, struct error *err);

/* After source_next() returned 0: what the next run starts from, to be committed with this one. JSON; about 500
 * bytes per mail folder, at most 64 MiB. */
int source_cursor(struct source *source, struct buffer *out, struct error *err);

struct source_totals {
    uint64_t folders, items, deletes; /* delivered so far */
    uint64_t resyncs;                 /* scopes listed anew because the service refused the cursor */
    uint64_t expected_items;          /* the service's own count when it states one before; else 0 */
};
void source_totals(const struct source *source, struct source_totals *out);

#endif
