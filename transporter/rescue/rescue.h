#ifndef LONGHAUL_TRANSPORTER_RESCUE_RESCUE_H
#define LONGHAUL_TRANSPORTER_RESCUE_RESCUE_H

/* The break-glass reader: a vault with nothing but its storage and its password. No director, no network, nothing is
 * written to the storage. */

struct clock;

/* `vault list|browse|search|verify|export --storage PLACE --vault ID --password-file FILE [OPTIONS]`, argv[0] being
 * "vault"; --help says the rest. Prints to standard output and error; returns the exit code. */
int rescue_command(int argc, char **argv, const struct clock *clock);

#endif
