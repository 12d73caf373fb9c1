/* The YAML configuration loader: any bytes are read or refused, and what is read can be stored. */
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/config/config.h"

struct sample {
    const char *text;
    uint64_t number;
};

static const struct config_option options[] = {
    { .key = "a.text", .type = CONFIG_TEXT, .offset = offsetof(struct sample, text), .default_text = "", .help = "" },
    { .key = "a.b.size",
      .type = CONFIG_SIZE,
      .offset = offsetof(struct sample, number),
      .default_text = "1",
      .help = "" },
};
static const struct config_schema schema = { "fuzz", options, ARRAY_LEN(options) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct error err = ERROR_INIT;
    struct sample sample;
    struct config *config = config_new(&schema);
    (void)config_read(config, "fuzz", data, len, &err);
    config_store(config, &sample);
    config_free(config);
    return 0;
}
