#ifndef LONGHAUL_COMMON_CONFIG_CONFIG_H
#define LONGHAUL_COMMON_CONFIG_CONFIG_H

/* Configuration, declared once: one table of options per daemon. Reading YAML, checking, printing and the
 * reference page all come from that table. One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct error;

enum config_type {
    CONFIG_TEXT,     /* const char * */
    CONFIG_PATH,     /* const char *, an absolute path */
    CONFIG_ADDRESS,  /* const char *, "host:port" or "[v6]:port"; port 0 to 65535 */
    CONFIG_CHOICE,   /* const char *, one of the words in `choices` */
    CONFIG_UINT,     /* uint64_t */
    CONFIG_DURATION, /* uint64_t milliseconds; written 500ms, 10s, 5m, 2h, 30d */
    CONFIG_SIZE,     /* uint64_t bytes; written 512, 64KiB, 16MiB, 2GiB */
    CONFIG_BOOL      /* bool; true or false */
};

struct config_option {
    const char *key; /* "rpc.listen": a dot for each level of the YAML file */
    enum config_type type;
    size_t offset;            /* of the field in the daemon's own struct */
    const char *default_text; /* as it would stand in the file; "" leaves a text empty */
    uint64_t lowest, highest; /* of numbers, durations (ms) and sizes; both 0: any */
    const char *choices;      /* "debug info warn error" */
    bool secret;              /* printed as "(concealed)" */
    const char *help;         /* one line */
};

struct config_schema {
    const char *program;
    const struct config_option *options;
    size_t count;
};

struct config;

/* All defaults. The schema is borrowed for the config's life. */
struct config *config_new(const struct config_schema *schema);
void config_free(struct config *config);
void config_free_p(struct config **config);

/* Read a YAML file. Unknown keys (with the nearest valid one), values of the wrong type or out of range, keys given
 * twice, lists, aliases and files over 256 KiB are ERROR_CONFIG with "file:line:column". Nothing is kept then. */
int config_read_file(struct config *config, const char *path, struct error *err);
/* Same from memory; name stands for the file in errors. */
int config_read(struct config *config, const char *name, const void *text, size_t len, struct error *err);
/* One value from the command line ("rpc.listen=127.0.0.1:0"). */
int config_set(struct config *config, const char *assignment, struct error *err);

/* Fill the daemon's struct. Its texts are the config's and live as long. */
void config_store(const struct config *config, void *target);

/* YAML again, each value with where it came from; secrets concealed. */
void config_print(const struct config *config, FILE *out);
/* The reference page: a Markdown table of every option. */
void config_document(const struct config_schema *schema, FILE *out);

#endif
