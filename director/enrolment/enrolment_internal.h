#ifndef LONGHAUL_DIRECTOR_ENROLMENT_ENROLMENT_INTERNAL_H
#define LONGHAUL_DIRECTOR_ENROLMENT_ENROLMENT_INTERNAL_H

/* The decisions behind the enrolment service, without its connection. Texts of a reply lie in the arena or live as
 * long as the authority. */

#include "director/enrolment/enrolment_service.h"
#include "proto/enrol.pb-c.h"

struct arena;
struct tls_peer;

int enrolment_internal_enrol(const struct enrolment_service_options *o, const Longhaul__V1__EnrolRequest *request,
                             struct arena *arena, Longhaul__V1__EnrolReply *reply, struct error *err);
int enrolment_internal_renew(const struct enrolment_service_options *o, const struct tls_peer *peer,
                             const Longhaul__V1__RenewRequest *request, struct arena *arena,
                             Longhaul__V1__RenewReply *reply, struct error *err);

#endif
