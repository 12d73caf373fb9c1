#ifndef LONGHAUL_TESTS_FAKES_SHELL_COMMAND_H
#define LONGHAUL_TESTS_FAKES_SHELL_COMMAND_H

/* Runs a command of a test's own with /bin/sh. Returns its exit status, -1 when it was killed or not run. */
int shell_command(const char *command);

#endif
