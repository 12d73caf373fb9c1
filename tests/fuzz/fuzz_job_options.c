#include "common/base/error.h"
#include "director/jobs/job_options.h"
#include "director/store/store.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[4097];
    struct error err = ERROR_INIT;
    struct job_options options;
    struct store_labels labels;

    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    (void)job_options_parse(text, &options, &err);
    error_clear(&err);
    if (store_labels_parse(text, &labels, &err) == 0) {
        char back[STORE_LABELS_TEXT_LEN];
        store_labels_format(&labels, back);
        if (strcmp(back, text) != 0)
            __builtin_trap();
    }
    (void)store_title_valid(text, sizeof(text));
    return 0;
}
