#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/config/config_program.h"
#include "director/director.h"
#include "director/director_config.h"

#include <stdio.h>

static int
fail(const struct error *err)
{
    fprintf(stderr, "longhaul-director: %s\n", err->text);
    return error_kind_exit_code(err->kind);
}

int
main(int argc, char **argv)
{
    CLEANUP(config_free_p) struct config *config = config_new(&director_config_schema);
    struct director_config values;
    struct error err = ERROR_INIT;
    enum log_level level;

    memory_prepare_process();
    switch (config_program_start(&director_config_program, config, argc, argv, NULL, &err)) {
    case CONFIG_DONE:
        return 0;
    case CONFIG_FAILED:
        return fail(&err);
    case CONFIG_RUN:
        break;
    }
    config_store(config, &values);
    if (log_level_from_name(values.log_level, &level) == 0)
        log_setup(2, level);
    struct director *director = director_new(&values, clock_system(), &err);
    if (director == NULL)
        return fail(&err);
    director_run(director);
    director_free(director);
    return 0;
}
