#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "transporter/link/enrol.h"
#include "transporter/rescue/rescue.h"
#include "transporter/transporter.h"
#include "transporter/transporter_config.h"

#include <stdio.h>
#include <string.h>

static int
fail(const struct error *err)
{
    fprintf(stderr, "longhaul-transporter: %s\n", err->text);
    return error_kind_exit_code(err->kind);
}

static int
run(struct config *config, struct error *err)
{
    struct transporter_config settings;
    enum log_level level;
    config_store(config, &settings);
    if (log_level_from_name(settings.log_level, &level) == 0)
        log_setup(2, level);
    struct transporter *transporter = transporter_new(&settings, clock_system(), err);
    int result = transporter != NULL ? transporter_run(transporter, err) : -1;
    transporter_free(transporter);
    return result;
}

int
main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    int rest = argc;
    transporter_prepare_process();
    if (argc > 1 && strcmp(argv[1], "enrol") == 0)
        return enrol_command(argc - 1, argv + 1, clock_system());
    if (argc > 1 && strcmp(argv[1], "vault") == 0)
        return rescue_command(argc - 1, argv + 1, clock_system());
    struct config *config = config_new(&transporter_config_schema);
    enum config_outcome outcome = config_program_start(&transporter_config_program, config, argc, argv, &rest, &err);
    if (outcome == CONFIG_RUN && rest < argc && strcmp(argv[rest], "run") != 0)
        FAIL(&err, ERROR_USAGE, 0, "unknown command '%s': run, enrol or vault", argv[rest]);
    if (outcome == CONFIG_RUN && !error_is_set(&err))
        (void)run(config, &err);
    config_free(config);
    return error_is_set(&err) ? fail(&err) : 0;
}
