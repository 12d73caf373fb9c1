#include "transporter/restore/to_archive.h"

#include "tests/unit/transporter/restore/restore_fixture.h"
#include "transporter/restore/safe_name.h"

#include <archive.h>
#include <archive_entry.h>

static void
restore_to(enum to_archive_format format, const char *path, struct task_result *result)
{
    struct error err = ERROR_INIT;
    const struct selection all = { .all = true };
    const struct to_archive_options options = {
        .format = format, .path = path, .spool = fixture.scratch, .clock = clock_system()
    };
    struct restore_sink *sink = to_archive_open(&options, &err);
    if (sink == NULL)
        vault_fixture_fail(&err);
    restore_through(sink, -1, &all, result);
}

/* The content of one entry; fails the test when there is none of that name. */
static void
assert_zipped(const char *path, const char *name, const char *content, int64_t modified_s)
{
    char text[256];
    struct archive_entry *entry;
    struct archive *archive = archive_read_new();
    archive_read_support_format_zip(archive);
    assert_int_equal(archive_read_open_filename(archive, path, 16384), ARCHIVE_OK);
    int found = 0;
    while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
        if (strcmp(archive_entry_pathname(entry), name) != 0)
            continue;
        la_ssize_t n = archive_read_data(archive, text, sizeof(text) - 1);
        assert_true(n >= 0);
        text[n] = '\0';
        assert_string_equal(text, content);
        assert_int_equal(archive_entry_mtime(entry), modified_s);
        found++;
    }
    archive_read_free(archive);
    if (found != 1)
        fail_msg("%s is in the zip file %d times", name, found);
}

static void
a_zip_file_holds_everything_under_names_of_its_own(void **state)
{
    struct task_result result;
    struct catalog_key_buffer key;
    char mail[SAFE_NAME_MAX + 1], path[SAFE_NAME_MAX + 16];
    CLEANUP(memory_free_p) char *zip = memory_printf("%s/all.zip", fixture.folder.path);
    (void)state;
    restore_to(TO_ARCHIVE_ZIP, zip, &result);
    struct catalog_key m1 = key_of(CATALOG_MESSAGE, "m1", &key);
    safe_name_message("Hello / world", m1.bytes, m1.len, mail);
    snprintf(path, sizeof(path), "Inbox/%s", mail);
    assert_zipped(zip, path, "Subject: Hello\r\n\r\nbody\r\n", 1600000000);
    assert_zipped(zip, "zero", "", 1700000000);
    assert_zipped(zip, ".._passwd", "three", 1700000000);
    assert_zipped(zip, "orphan", "four", 1700000000);
    assert_zipped(zip, "Empty/", "", 1700000000);
    assert_int_equal(result.items_skipped, 1);
    assert_int_equal(result.items_failed, 0);
}

static void
a_zip_file_that_is_there_is_not_touched(void **state)
{
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) char *zip = memory_printf("%s/there.zip", fixture.folder.path);
    const struct to_archive_options options = {
        .format = TO_ARCHIVE_ZIP, .path = zip, .spool = fixture.scratch, .clock = clock_system()
    };
    (void)state;
    FILE *file = fopen(zip, "w");
    assert_non_null(file);
    fclose(file);
    assert_null(to_archive_open(&options, &err));
    assert_int_equal(err.kind, ERROR_EXISTS);
}

static void
assert_file_is(const char *path, const char *content)
{
    char text[512];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s is not there", path);
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    assert_string_equal(text, content);
}

static void
each_mail_folder_becomes_an_mbox_file(void **state)
{
    struct task_result result;
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/mbox", fixture.folder.path);
    CLEANUP(memory_free_p) char *inbox = memory_printf("%s/Inbox.mbox", folder);
    CLEANUP(memory_free_p) char *evil = memory_printf("%s/Inbox/.._.._evil.mbox", folder);
    (void)state;
    restore_to(TO_ARCHIVE_MBOX, folder, &result);
    assert_file_is(inbox, "From MAILER-DAEMON Sun Sep 13 12:26:40 2020\nSubject: Hello\n\nbody\n\n"
                          "From ada@contoso.example Sun Sep 13 12:26:40 2020\nSubject: q\n\n"
                          ">From here\n>>From there\nFrom\n>>x\nend\n\n");
    assert_file_is(evil, "From MAILER-DAEMON Sun Sep 13 12:26:40 2020\nSubject: x\n\n\n");
    assert_int_equal(result.items_skipped, 6); /* five files, one message without content */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zip_file_holds_everything_under_names_of_its_own),
        cmocka_unit_test(a_zip_file_that_is_there_is_not_touched),
        cmocka_unit_test(each_mail_folder_becomes_an_mbox_file),
    };
    return cmocka_run_group_tests(tests, restore_fixture_set_up, restore_fixture_tear_down);
}
