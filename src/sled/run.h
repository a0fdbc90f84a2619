
/*
 * The daemon.
 */


#ifndef _SLED_RUN_H_INCLUDED_
#define _SLED_RUN_H_INCLUDED_


#include "session.h"


/* uplink, socket and terminals of this backend, until somebody stops it */
int sled_run(const sled_conf_t *conf, const sled_backend_t *backend);
void sled_run_stop(const char *why);


/* the commands: main.c has the table */
int sled_run_command(int argc, char **argv);
int sled_ask_command(int argc, char **argv);
int sled_mcp_command(int argc, char **argv);
int sled_hook_command(int argc, char **argv);
int sled_rules_command(int argc, char **argv);
int sled_attach_command(int argc, char **argv);
int sled_control_command(int argc, char **argv);


#endif /* _SLED_RUN_H_INCLUDED_ */
