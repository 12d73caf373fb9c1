#include "tests/m365sim/tenant.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/mailbox.h"
#include "tests/m365sim/tenant_flags.h"
#include "tests/m365sim/tree.h"
#include "tests/m365sim/watcher.h"

#include <ctype.h>
#include <dirent.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct flags_context {
    struct tenant_flags *flags;
    char *prefix; /* "users/<upn>/mail/" */
};

struct holder {
    struct account account;
    pthread_mutex_t mutex; /* guards the opening of the trees */
    struct tree *mail, *drive;
    struct box *boxes[BOX_PART_COUNT];
    struct flags_context *flags; /* of the mail tree */
    bool seen;
};

struct group {
    struct holder **members;
    size_t count, capacity;
    struct timespec mtime;
};

struct tenant {
    pthread_mutex_t mutex;
    const struct clock *clock;
    char *folder, *state;
    struct watcher *watcher;
    struct tenant_flags *flags;
    struct group groups[2]; /* users, sites */
    uint64_t change;
};

static const char *const group_folders[2] = { "users", "sites" };

static void
make_guid(const char *what, const char *name, char out[TENANT_ID_LEN])
{
    uint8_t h[32];
    char hex[33];
    CLEANUP(memory_free_p) char *text = memory_printf("%s/%s", what, name);
    EVP_Digest(text, strlen(text), h, NULL, EVP_sha256(), NULL);
    h[6] = (uint8_t)((h[6] & 0x0f) | 0x40);
    h[8] = (uint8_t)((h[8] & 0x3f) | 0x80);
    encoding_hex(h, 16, hex);
    snprintf(out, TENANT_ID_LEN, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static void
make_drive_id(const char *what, const char *name, char out[TENANT_DRIVE_ID_LEN])
{
    uint8_t h[64];
    char text[ENCODING_BASE64_LEN(48)];
    CLEANUP(memory_free_p) char *seed = memory_printf("drive/%s/%s", what, name);
    EVP_Digest(seed, strlen(seed), h, NULL, EVP_sha512(), NULL);
    encoding_base64url(h, 48, text);
    snprintf(out, TENANT_DRIVE_ID_LEN, "b!%s", text);
}

/* "ada.abe@contoso.example" is shown as "Ada Abe". */
static char *
display_name(const char *name, bool site)
{
    char *out = memory_strdup(name);
    if (site)
        return out;
    out[strcspn(out, "@")] = '\0';
    bool first = true;
    for (char *p = out; *p != '\0'; p++) {
        if (*p == '.' || *p == '_')
            *p = ' ';
        else if (first)
            *p = (char)toupper((unsigned char)*p);
        first = *p == ' ';
    }
    return out;
}

static void
add_member(struct tenant *t, int which, const char *name)
{
    struct group *g = &t->groups[which];
    struct holder *h = MEMORY_NEW(struct holder);
    pthread_mutex_init(&h->mutex, NULL);
    h->account.name = memory_strdup(name);
    h->account.site = which == 1;
    h->account.display = display_name(name, h->account.site);
    h->account.folder = memory_printf("%s/%s/%s", t->folder, group_folders[which], name);
    h->account.change = ++t->change;
    make_guid(group_folders[which], name, h->account.id);
    make_guid("web", name, h->account.web_id);
    make_drive_id(group_folders[which], name, h->account.drive_id);
    h->seen = true;
    if (g->count == g->capacity) {
        g->capacity = g->capacity * 2 + 64;
        struct holder **more = memory_new(g->capacity * sizeof(struct holder *));
        if (g->count > 0)
            memcpy(more, g->members, g->count * sizeof(struct holder *));
        free(g->members);
        g->members = more;
    }
    g->members[g->count++] = h;
}

static void
see_member(struct tenant *t, int which, const char *name)
{
    struct group *g = &t->groups[which];
    for (size_t i = 0; i < g->count; i++) {
        struct holder *h = g->members[i];
        if (strcmp(h->account.name, name) != 0)
            continue;
        h->seen = true;
        if (h->account.gone) {
            h->account.gone = false;
            h->account.change = ++t->change;
        }
        return;
    }
    add_member(t, which, name);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void
refresh_group(struct tenant *t, int which)
{
    struct group *g = &t->groups[which];
    CLEANUP(memory_free_p) char *path = memory_printf("%s/%s", t->folder, group_folders[which]);
    struct stat st;
    struct dirent **entries = NULL;
    if (stat(path, &st) != 0 || (st.st_mtim.tv_sec == g->mtime.tv_sec && st.st_mtim.tv_nsec == g->mtime.tv_nsec))
        return;
    g->mtime = st.st_mtim;
    int count = scandir(path, &entries, NULL, by_name);
    for (size_t i = 0; i < g->count; i++)
        g->members[i]->seen = false;
    for (int i = 0; i < count; i++) {
        CLEANUP(memory_free_p) char *member = memory_printf("%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && stat(member, &st) == 0 && S_ISDIR(st.st_mode))
            see_member(t, which, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    for (size_t i = 0; i < g->count; i++) {
        struct holder *h = g->members[i];
        if (!h->seen && !h->account.gone) {
            h->account.gone = true;
            h->account.change = ++t->change;
        }
    }
}

void
tenant_refresh(struct tenant *tenant)
{
    pthread_mutex_lock(&tenant->mutex);
    refresh_group(tenant, 0);
    refresh_group(tenant, 1);
    pthread_mutex_unlock(&tenant->mutex);
}

struct tenant *
tenant_open(const char *folder, const char *state, const struct clock *clock, struct error *err)
{
    struct stat st;
    CLEANUP(memory_free_p) char *users = memory_printf("%s/users", folder);
    if (stat(users, &st) != 0 || !S_ISDIR(st.st_mode)) {
        FAIL(err, ERROR_CONFIG, 0, "--tenant %s: has no folder users/", folder);
        return NULL;
    }
    struct tenant *t = MEMORY_NEW(struct tenant);
    pthread_mutex_init(&t->mutex, NULL);
    t->clock = clock;
    t->folder = memory_strdup(folder);
    t->state = memory_strdup(state);
    t->watcher = watcher_open();
    t->flags = tenant_flags_open(folder, err);
    if (t->flags == NULL) {
        tenant_free(t);
        return NULL;
    }
    tenant_refresh(t);
    return t;
}

static void
holder_free(struct holder *h)
{
    tree_free(h->mail);
    tree_free(h->drive);
    for (size_t i = 0; i < BOX_PART_COUNT; i++)
        box_free(h->boxes[i]);
    if (h->flags != NULL)
        free(h->flags->prefix);
    free(h->flags);
    pthread_mutex_destroy(&h->mutex);
    free(h->account.name);
    free(h->account.display);
    free(h->account.folder);
    free(h);
}

void
tenant_free(struct tenant *tenant)
{
    if (tenant == NULL)
        return;
    for (int which = 0; which < 2; which++) {
        for (size_t i = 0; i < tenant->groups[which].count; i++)
            holder_free(tenant->groups[which].members[i]);
        free(tenant->groups[which].members);
    }
    watcher_free(tenant->watcher);
    tenant_flags_free(tenant->flags);
    pthread_mutex_destroy(&tenant->mutex);
    free(tenant->folder);
    free(tenant->state);
    free(tenant);
}

struct account *
tenant_at(struct tenant *tenant, bool sites, size_t position)
{
    struct group *g = &tenant->groups[sites];
    pthread_mutex_lock(&tenant->mutex);
    struct account *found = position < g->count ? &g->members[position]->account : NULL;
    pthread_mutex_unlock(&tenant->mutex);
    return found;
}

static bool
is_called(const struct account *a, const char *key)
{
    if (strcasecmp(a->id, key) == 0 || strcasecmp(a->name, key) == 0)
        return true;
    const char *comma = a->site ? strchr(key, ',') : NULL; /* "host,site,web" */
    return comma != NULL && strncasecmp(comma + 1, a->id, strlen(a->id)) == 0;
}

static struct account *
find_in_group(struct tenant *t, bool site, const char *key)
{
    const struct group *g = &t->groups[site];
    struct account *found = NULL;
    pthread_mutex_lock(&t->mutex);
    for (size_t i = 0; i < g->count && found == NULL; i++)
        if (!g->members[i]->account.gone && is_called(&g->members[i]->account, key))
            found = &g->members[i]->account;
    pthread_mutex_unlock(&t->mutex);
    return found;
}

struct account *
tenant_find(struct tenant *tenant, bool site, const char *key)
{
    struct account *found = find_in_group(tenant, site, key);
    if (found == NULL) {
        tenant_refresh(tenant);
        found = find_in_group(tenant, site, key);
    }
    return found;
}

struct account *
tenant_find_drive(struct tenant *tenant, const char *drive_id)
{
    for (int which = 0; which < 2; which++) {
        struct account *a;
        for (size_t i = 0; (a = tenant_at(tenant, which == 1, i)) != NULL; i++)
            if (strcmp(a->drive_id, drive_id) == 0)
                return a;
    }
    return NULL;
}

uint64_t
tenant_last_change(struct tenant *tenant)
{
    pthread_mutex_lock(&tenant->mutex);
    uint64_t change = tenant->change;
    pthread_mutex_unlock(&tenant->mutex);
    return change;
}

static unsigned
on_new_message(void *ctx, const char *path)
{
    const struct flags_context *c = ctx;
    CLEANUP(memory_free_p) char *full = memory_printf("%s%s", c->prefix, path);
    return tenant_flags_find(c->flags, full);
}

static struct tree *
open_tree(struct tenant *t, struct account *a, const char *part, struct error *err)
{
    struct stat st;
    bool mail = strcmp(part, "mail") == 0;
    CLEANUP(memory_free_p) char *root = memory_printf("%s/%s", a->folder, part);
    CLEANUP(memory_free_p) char *state = memory_printf("%s/%s/%s/%s", t->state, group_folders[a->site], a->name, part);
    CLEANUP(memory_free_p) char *name = memory_printf("%s/%s", a->id, part);
    if (stat(root, &st) != 0 || !S_ISDIR(st.st_mode)) {
        FAIL(err, ERROR_NOT_FOUND, 0, "the account has no %s", part);
        return NULL;
    }
    struct holder *h = (struct holder *)(void *)a;
    if (mail && h->flags == NULL) {
        h->flags = MEMORY_NEW(struct flags_context);
        h->flags->flags = t->flags;
        h->flags->prefix = memory_printf("%s/%s/%s/", group_folders[a->site], a->name, part);
    }
    struct tree_setup setup = { .root = root,
                                .state = state,
                                .name = name,
                                .list_per_folder = mail,
                                .flags = mail ? on_new_message : NULL,
                                .flags_ctx = h->flags,
                                .watcher = t->watcher };
    struct tree *tree = tree_open(&setup, t->clock, err);
    if (tree != NULL && mail)
        mailbox_prepare(tree);
    return tree;
}

static struct tree *
get_tree(struct tenant *t, struct account *a, bool mail, struct error *err)
{
    struct holder *h = (struct holder *)(void *)a;
    struct tree **slot = mail ? &h->mail : &h->drive;
    pthread_mutex_lock(&h->mutex);
    if (*slot == NULL)
        *slot = open_tree(t, a, mail ? "mail" : "drive", err);
    struct tree *tree = *slot;
    pthread_mutex_unlock(&h->mutex);
    return tree;
}

struct tree *
tenant_mail(struct tenant *tenant, struct account *account, struct error *err)
{
    return get_tree(tenant, account, true, err);
}

struct tree *
tenant_drive(struct tenant *tenant, struct account *account, struct error *err)
{
    return get_tree(tenant, account, false, err);
}

static bool
has_folder(const struct account *a, const char *part)
{
    struct stat st;
    CLEANUP(memory_free_p) char *path = memory_printf("%s/%s", a->folder, part);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static struct box *
open_box(struct tenant *t, const struct account *a, enum box_part part, struct error *err)
{
    const char *folder = box_folder_name(part);
    CLEANUP(memory_free_p) char *root = memory_printf("%s/%s", a->folder, folder);
    CLEANUP(memory_free_p)
    char *state = memory_printf("%s/%s/%s/%s", t->state, group_folders[a->site], a->name, folder);
    CLEANUP(memory_free_p) char *name = memory_printf("%s/%s", a->id, folder);
    struct box_setup setup = { .part = part, .root = root, .state = state, .name = name, .watcher = t->watcher };
    if (!has_folder(a, "mail") && !has_folder(a, folder)) {
        FAIL(err, ERROR_NOT_FOUND, 0, "the account has neither mail nor %s", folder);
        return NULL;
    }
    return box_open(&setup, t->clock, err);
}

struct box *
tenant_box(struct tenant *tenant, struct account *account, enum box_part part, struct error *err)
{
    struct holder *h = (struct holder *)(void *)account;
    pthread_mutex_lock(&h->mutex);
    if (h->boxes[part] == NULL)
        h->boxes[part] = open_box(tenant, account, part, err);
    struct box *box = h->boxes[part];
    pthread_mutex_unlock(&h->mutex);
    return box;
}
