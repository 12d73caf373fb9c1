#ifndef LONGHAUL_TRANSPORTER_SOURCE_DRIVE_INTERNAL_H
#define LONGHAUL_TRANSPORTER_SOURCE_DRIVE_INTERNAL_H

#include "transporter/graph/graph_pager.h"
#include "transporter/source/source_internal.h"

#define DRIVE_SELECT                                                                                                   \
    "$select=id,name,size,file,folder,package,root,deleted,malware,parentReference,fileSystemInfo,createdDateTime,"    \
    "lastModifiedDateTime,createdBy,lastModifiedBy,eTag,cTag,webUrl,shared,publication,remoteItem,"                    \
    "@microsoft.graph.downloadUrl"

enum drive_phase { DRIVE_START, DRIVE_DELTA, DRIVE_PACKAGES };

struct drive {
    struct source base;
    enum drive_phase phase;
    char *drive_id, *root_id;
    char *link; /* delta link to begin with; "" : list everything */
    bool anew;  /* this round lists everything */
    struct graph_pager *pager;
    json_t *packages; /* ids of notebooks seen in this round: their section files are listed one by one */
    size_t package;   /* next of them */
};

/* Ways of a row of a delta page. Pure. */
enum drive_row { DRIVE_ROW_ROOT, DRIVE_ROW_DELETED, DRIVE_ROW_ITEM, DRIVE_ROW_UNKNOWN };

/* What a drive item's JSON says; texts are borrowed from row, metadata and the two buffers. */
struct drive_item {
    enum drive_row row;
    struct source_item item;
    char *metadata; /* the caller's, free() */
    char *locator;  /* the caller's, free() */
    char change_tag[160];
};
/* listed_ms: monotonic time of the page, kept beside the download link, which ages. */
void drive_item_read(const json_t *row, const char *root_id, uint64_t listed_ms, struct drive_item *out);
void drive_item_clear(struct drive_item *out);
/* Download link of an item's JSON; "". */
const char *drive_item_link(const json_t *row);

int drive_fetch(struct source *source, const struct source_item *item, const struct source_sink *sink,
                struct source_outcome *outcome, struct error *err);

#endif
