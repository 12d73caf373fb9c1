#include "common/base/arena.h"
#include "director/link/control_parse.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever comes in, every id that gets out is one, and every count is bounded. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)4 << 20);
    struct control_message message;
    struct error err = ERROR_INIT;

    if (control_parse(data, size, arena, &message, &err) == 0) {
        if (message.running_count > CONTROL_PARSE_RUNNING_MAX)
            __builtin_trap();
        for (size_t i = 0; i < message.running_count; i++)
            if (!identifier_valid(message.running[i].task))
                __builtin_trap();
        if (message.kind == CONTROL_FINISHED &&
            (!identifier_valid(message.finished->task.task) || message.finished->gap_count > SCHEDULER_GAPS_MAX ||
             (message.finished->has_point && !identifier_valid(message.finished->point.id))))
            __builtin_trap();
        if (message.kind == CONTROL_DISCOVERED && message.discovered.count > DISCOVERED_MAX)
            __builtin_trap();
    } else if (!error_is_set(&err)) {
        __builtin_trap();
    }
    arena_free(arena);
    return 0;
}
