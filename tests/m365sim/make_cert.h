#ifndef LONGHAUL_TESTS_M365SIM_MAKE_CERT_H
#define LONGHAUL_TESTS_M365SIM_MAKE_CERT_H

struct clock;
struct error;

/* Writes ca.pem, server.pem (for localhost, 127.0.0.1 and ::1) and server.key into folder; the authority's key
 * is thrown away. Also client.pem and client.key, for signed assertions. */
int make_cert(const struct clock *clock, const char *folder, struct error *err);

#endif
