#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/tree.h"
#include "tests/m365sim/watcher.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[40];
    char root[60], state[60];
    struct watcher *watcher;
    struct tree *tree;
};

static void
open_tree(struct place *p, bool per_folder, bool watched)
{
    struct error err = ERROR_INIT;
    struct tree_setup setup = { .root = p->root,
                                .state = p->state,
                                .name = "test",
                                .list_per_folder = per_folder,
                                .watcher = watched ? p->watcher : NULL };
    p->tree = tree_open(&setup, clock_system(), &err);
    assert_non_null(p->tree);
}

static int
set_up(void **state)
{
    struct place *p = MEMORY_NEW(struct place);
    snprintf(p->folder, sizeof(p->folder), "/tmp/test_tree-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->root, sizeof(p->root), "%s/root", p->folder);
    snprintf(p->state, sizeof(p->state), "%s/state", p->folder);
    assert_int_equal(mkdir(p->root, 0755), 0);
    p->watcher = watcher_open();
    *state = p;
    return 0;
}

static int
tear_down(void **state)
{
    struct place *p = *state;
    tree_free(p->tree);
    watcher_free(p->watcher);
    files_remove_tree(p->folder, NULL);
    free(p);
    return 0;
}

static void
put(const struct place *p, const char *name, const char *text)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/%s", p->root, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(files_write_at(fd, text, strlen(text), 0, NULL), 0);
    close(fd);
}

static void
move(const struct place *p, const char *from, const char *to)
{
    CLEANUP(memory_free_p) char *a = memory_printf("%s/%s", p->root, from);
    CLEANUP(memory_free_p) char *b = memory_printf("%s/%s", p->root, to);
    assert_int_equal(rename(a, b), 0);
}

static void
make_folder(const struct place *p, const char *name)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/%s", p->root, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static uint32_t
find(const struct place *p, const char *folder, const char *name)
{
    uint32_t parent = folder == NULL ? TREE_ROOT : tree_find_child(p->tree, TREE_ROOT, folder);
    return tree_find_child(p->tree, parent, name);
}

/* The names on the tree's list after a change, deleted ones with a '-'. */
static char *
changes(const struct place *p, uint32_t folder, uint64_t since)
{
    char *out = memory_strdup("");
    for (uint32_t i = tree_list_after(p->tree, folder, since, TREE_NONE); i != TREE_NONE;
         i = tree_list_next(p->tree, i)) {
        const struct tree_node *n = tree_at(p->tree, i);
        bool ghost = n->kind == TREE_GHOST;
        char *longer =
            memory_printf("%s%s%s ", out, n->flags & TREE_DELETED ? "-" : "", ghost ? "ghost" : tree_name(p->tree, n));
        free(out);
        out = longer;
    }
    return out;
}

static void
assert_changes(const struct place *p, uint32_t folder, uint64_t since, const char *want)
{
    CLEANUP(memory_free_p) char *have = changes(p, folder, since);
    assert_string_equal(have, want);
}

static void
disk_changes_become_changes(struct place *p, bool watched)
{
    put(p, "a", "1");
    put(p, "b", "1");
    make_folder(p, "f");
    put(p, "f/c", "1");
    open_tree(p, false, watched);
    tree_lock(p->tree);
    uint64_t key = tree_at(p->tree, find(p, NULL, "a"))->key, since = tree_last_change(p->tree);
    tree_refresh(p->tree);
    assert_changes(p, TREE_NONE, since, "");

    move(p, "a", "f/moved");
    tree_refresh(p->tree);
    assert_int_equal(tree_at(p->tree, find(p, "f", "moved"))->key, key);
    assert_changes(p, TREE_NONE, since, "moved ");

    since = tree_last_change(p->tree);
    put(p, "b", "longer");
    tree_refresh(p->tree);
    assert_changes(p, TREE_NONE, since, "b ");
    assert_int_equal(tree_at(p->tree, find(p, NULL, "b"))->content, 2);

    since = tree_last_change(p->tree);
    put(p, "new", "1");
    move(p, "new", "b");
    tree_refresh(p->tree);
    assert_changes(p, TREE_NONE, since, "b ");

    since = tree_last_change(p->tree);
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/f", p->root);
    assert_int_equal(files_remove_tree(folder, NULL), 0);
    tree_refresh(p->tree);
    CLEANUP(memory_free_p) char *gone = changes(p, TREE_NONE, since);
    assert_non_null(strstr(gone, "-f "));
    assert_non_null(strstr(gone, "-moved "));
    assert_non_null(strstr(gone, "-c "));
    tree_unlock(p->tree);
}

static void
changes_are_seen_by_watching(void **state)
{
    disk_changes_become_changes(*state, true);
}

static void
changes_are_seen_by_walking(void **state)
{
    disk_changes_become_changes(*state, false);
}

static void
keys_and_changes_outlive_a_restart(void **state)
{
    struct place *p = *state;
    put(p, "a", "1");
    make_folder(p, "f");
    open_tree(p, false, true);
    tree_lock(p->tree);
    uint64_t key = tree_at(p->tree, find(p, NULL, "a"))->key, since = tree_last_change(p->tree);
    uint64_t incarnation = tree_incarnation(p->tree);
    uint32_t made = tree_add(p->tree, find(p, NULL, "f"), TREE_ITEM, "made", 0);
    uint64_t made_key = tree_at(p->tree, made)->key;
    tree_unlock(p->tree);
    tree_free(p->tree);
    watcher_free(p->watcher);
    p->watcher = watcher_open();

    move(p, "a", "f/b");
    open_tree(p, false, true);
    tree_lock(p->tree);
    assert_true(tree_incarnation(p->tree) == incarnation);
    assert_int_equal(tree_at(p->tree, find(p, "f", "b"))->key, key);
    assert_int_equal(tree_at(p->tree, find(p, "f", "made"))->key, made_key);
    assert_changes(p, TREE_NONE, since, "made b ");
    tree_unlock(p->tree);
}

static void
a_moved_item_leaves_a_ghost_in_its_folder(void **state)
{
    struct place *p = *state;
    make_folder(p, "from");
    make_folder(p, "to");
    put(p, "from/m", "1");
    open_tree(p, true, true);
    tree_lock(p->tree);
    uint32_t from = find(p, NULL, "from"), to = find(p, NULL, "to");
    uint64_t since = tree_last_change(p->tree);
    assert_changes(p, from, 0, "m ");
    move(p, "from/m", "to/m");
    tree_refresh(p->tree);
    assert_changes(p, from, since, "-ghost ");
    assert_changes(p, to, since, "m ");
    tree_unlock(p->tree);
}

static void
many_items_are_found_again(void **state)
{
    struct place *p = *state;
    char name[20];
    open_tree(p, true, true);
    tree_lock(p->tree);
    uint32_t folder = tree_add(p->tree, TREE_ROOT, TREE_FOLDER, "many", 0);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "item %u", i);
        tree_add(p->tree, folder, TREE_ITEM, name, 0);
    }
    for (unsigned i = 0; i < 10000; i += 2) {
        snprintf(name, sizeof(name), "item %u", i);
        tree_delete(p->tree, tree_find_child(p->tree, folder, name));
    }
    unsigned left = 0;
    for (uint32_t c = TREE_NONE; (c = tree_next_child(p->tree, folder, c)) != TREE_NONE;)
        left++;
    assert_int_equal(left, 5000);
    assert_int_equal(tree_find_child(p->tree, folder, "item 4"), TREE_NONE);
    assert_int_not_equal(tree_find_child(p->tree, folder, "ITEM 4999"), TREE_NONE);
    tree_unlock(p->tree);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_are_seen_by_watching, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_are_seen_by_walking, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_and_changes_outlive_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_moved_item_leaves_a_ghost_in_its_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_items_are_found_again, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
