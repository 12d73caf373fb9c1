/* Makes a small tenant folder for the quickstart and the tests, always the same:
 *   make-sample-tenant DIR            users/<upn>/{mail,drive} and tenant.tsv, a few MB
 *   make-sample-tenant --change DIR   new, edited, renamed and deleted messages and files in it
 */
#include "common/base/memory.h"
#include "tests/sample/sample_mail.h"

#include <errno.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <utime.h>
#include <unistd.h>

#define SHARED_LEN ((size_t)300 << 10)
#define START      1735689600 /* 2025-01-01 */

static const struct sample_person people[] = { { "Ada Abe", "ada.abe@contoso.example" },
                                               { "=?utf-8?Q?Chlo=C3=A9_Fontaine?=", "chloe.fontaine@contoso.example" },
                                               { "Goran Ivanova", "goran.ivanova@contoso.example" },
                                               { "Customer 17", "contact17@fabrikam.example" } };
static const char *const mail_folders[] = { "Inbox", "Sent Items", "Archive/2025", "Inbox/Customers & Partners",
                                            "Deleted Items" };
static const char *const subjects[] = { "Quarter report",    "=?utf-8?B?R3LDvMOfZSBhdXMgQmVybGlu?=",
                                        "Re: offer 2217",    "Harbour site, pumps",
                                        "Minutes of Friday", "Fw: invoice #88 (100%)" };
static const char *const drive_files[] = {
    "Budget 2025.csv",       "Contracts/Lease #4 (final).txt",  "Contracts/100% signed.txt",
    "Projekte/Übersicht.md", "Projekte/研究/notes + ideas.txt", "empty file.txt",
    "Pictures/noise.bin"
};

static void
die(const char *what, const char *path)
{
    fprintf(stderr, "make-sample-tenant: %s %s: %s\n", what, path, strerror(errno));
    exit(74);
}

static void
make_parents(char *path)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            die("cannot make", path);
        *slash = '/';
    }
}

static FILE *
create(char *path)
{
    make_parents(path);
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        die("cannot write", path);
    return f;
}

static void
finish(FILE *f, const char *path, int64_t when)
{
    if (fclose(f) != 0)
        die("cannot write", path);
    struct utimbuf times = { (time_t)when, (time_t)when };
    utime(path, &times);
}

static void
write_message(struct sample_random *random, const char *path, struct sample_message *m)
{
    CLEANUP(memory_free_p) char *copy = memory_strdup(path);
    FILE *f = create(copy);
    sample_mail_write(random, m, f);
    finish(f, path, m->sent);
}

static void
make_mailbox(const char *dir, size_t user, const uint8_t *shared, FILE *list)
{
    struct sample_random random = { 100 + user };
    for (int i = 0; i < 60; i++) {
        bool sent = i % 5 == 1;
        const struct sample_person *other = &people[sample_random_next(&random, ARRAY_LEN(people))];
        struct sample_message m = { .number = (int)user * 1000 + i,
                                    .sent = START + (int64_t)sample_random_next(&random, 300 * 86400),
                                    .from = sent ? &people[user] : other,
                                    .to = sent ? other : &people[user],
                                    .subject = subjects[sample_random_next(&random, ARRAY_LEN(subjects))],
                                    .attachment_name = "plan.bin" };
        if (i % 10 == 0) {
            m.attachment = shared;
            m.attachment_len = SHARED_LEN;
        }
        const char *folder = mail_folders[sent ? 1 : sample_random_next(&random, ARRAY_LEN(mail_folders))];
        CLEANUP(memory_free_p)
        char *name = memory_printf("users/%s/mail/%s/%04d.eml", people[user].address, folder, i);
        CLEANUP(memory_free_p) char *path = memory_printf("%s/%s", dir, name);
        write_message(&random, path, &m);
        fprintf(list, "%s\t0\t\tmessage\tfresh\t\t%s%s\tsample\n", name, i % 4 != 0 ? "seen" : "",
                i % 12 == 3 ? ",flagged" : "");
    }
}

static void
make_drive(const char *dir, size_t user, const uint8_t *shared)
{
    struct sample_random random = { 200 + user };
    for (size_t i = 0; i < ARRAY_LEN(drive_files); i++) {
        CLEANUP(memory_free_p)
        char *path = memory_printf("%s/users/%s/drive/%s", dir, people[user].address, drive_files[i]);
        FILE *f = create(path);
        if (strstr(path, ".bin") != NULL)
            fwrite(shared, 1, SHARED_LEN, f);
        else if (strstr(path, "empty") == NULL)
            sample_text(&random, 2000 + sample_random_next(&random, 60000), f);
        finish(f, path, START + (int64_t)sample_random_next(&random, 300 * 86400));
    }
    CLEANUP(memory_free_p)
    char *empty = memory_printf("%s/users/%s/drive/Empty folder/x", dir, people[user].address);
    make_parents(empty);
}

static void
make_tenant(const char *dir)
{
    struct sample_random random = { 42 };
    CLEANUP(memory_free_p) uint8_t *shared = memory_new(SHARED_LEN);
    for (size_t i = 0; i < SHARED_LEN; i++)
        shared[i] = (uint8_t)sample_random_next(&random, 256);
    CLEANUP(memory_free_p) char *list_path = memory_printf("%s/tenant.tsv", dir);
    FILE *list = create(list_path);
    fputs("path\tsize\tsha256\tkind\tclass\tdate\tflags\tcorpus_file\n", list);
    for (size_t user = 0; user < 3; user++) {
        make_mailbox(dir, user, shared, list);
        make_drive(dir, user, shared);
    }
    if (fclose(list) != 0)
        die("cannot write", list_path);
}

static void
move_file(const char *dir, const char *from, const char *to)
{
    CLEANUP(memory_free_p) char *old = memory_printf("%s/%s", dir, from);
    CLEANUP(memory_free_p) char *new = memory_printf("%s/%s", dir, to);
    make_parents(new);
    if (rename(old, new) != 0)
        die("cannot move", old);
}

static void
change_tenant(const char *dir)
{
    struct sample_random random = { 77 };
    const char *ada = "users/ada.abe@contoso.example";
    for (int i = 0; i < 5; i++) {
        struct sample_message m = { .number = 9000 + i,
                                    .sent = START + 310 * 86400 + i * 60,
                                    .from = &people[3],
                                    .to = &people[0],
                                    .subject = "News after the first backup" };
        CLEANUP(memory_free_p) char *path = memory_printf("%s/%s/mail/Inbox/new-%d.eml", dir, ada, i);
        write_message(&random, path, &m);
    }
    move_file(dir, "users/ada.abe@contoso.example/mail/Sent Items/0001.eml",
              "users/ada.abe@contoso.example/mail/Archive/2025/moved.eml");
    move_file(dir, "users/ada.abe@contoso.example/drive/Contracts/100% signed.txt",
              "users/ada.abe@contoso.example/drive/Projekte/signed & moved.txt");
    CLEANUP(memory_free_p) char *gone = memory_printf("%s/%s/mail/Sent Items/0006.eml", dir, ada);
    if (unlink(gone) != 0)
        die("cannot delete", gone);
    CLEANUP(memory_free_p) char *edited = memory_printf("%s/%s/drive/Budget 2025.csv", dir, ada);
    FILE *f = fopen(edited, "ab");
    if (f == NULL)
        die("cannot edit", edited);
    sample_text(&random, 500, f);
    if (fclose(f) != 0)
        die("cannot edit", edited);
}

int
main(int argc, char **argv)
{
    if (argc == 2 && argv[1][0] != '-') {
        make_tenant(argv[1]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--change") == 0) {
        change_tenant(argv[2]);
        return 0;
    }
    fprintf(stderr, "Usage: make-sample-tenant [--change] DIR\n");
    return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 64;
}
