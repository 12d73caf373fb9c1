#include "transporter/host/vault_host_internal.h"

void
vault_host_end_sweep(struct vault_host *host)
{
    (void)host;
}
