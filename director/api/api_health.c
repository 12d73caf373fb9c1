#include "director/api/api_handlers.h"
#include "director/director.h"
#include "director/director_config.h"
#include "director/enrolment/authority.h"

int
api_health_show(struct api_call *call, struct error *err)
{
    (void)err;
    return api_call_reply(call, json_pack("{s:s, s:s}", "status", "ok", "version", LONGHAUL_VERSION));
}

int
api_health_director(struct api_call *call, struct error *err)
{
    const struct authority *authority = director_authority(call->director);
    const char *advertise = director_config(call->director)->rpc_advertise;

    (void)err;
    if (advertise != NULL && advertise[0] == '\0')
        advertise = NULL;
    return api_call_reply(call, json_pack("{s:s, s:s, s:s, s:s?, s:s}", "version", LONGHAUL_VERSION, "node",
                                          authority_node_id(authority), "fingerprint", authority_fingerprint(authority),
                                          "rpc_address", advertise, "authority_pem", authority_root_pem(authority)));
}
