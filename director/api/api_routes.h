#ifndef LONGHAUL_DIRECTOR_API_API_ROUTES_H
#define LONGHAUL_DIRECTOR_API_API_ROUTES_H

/* Every path of the API. openapi.yaml says the same for people; a test compares the two. */

#include "director/api/api_router.h"

extern const struct api_route api_routes[];
extern const size_t api_route_count;

#endif
