#include "common/base/error.h"
#include "transporter/link/order_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_order order;
    struct error err = ERROR_INIT;
    (void)order_parse(data, size, &order, &err);
    order_parse_clear(&order);
    return 0;
}
