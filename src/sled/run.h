
/*
 * The daemon.
 */


#ifndef _SLED_RUN_H_INCLUDED_
#define _SLED_RUN_H_INCLUDED_


#include "session.h"


/*
 * Uplink, socket and terminals of this backend, until somebody stops it.
 * Where begin is given, the gateway is dialed by sled_run_online().
 */
int sled_run(const sled_conf_t *conf, const sled_backend_t *backend,
    int (*begin)(void));
void sled_run_online(void);
void sled_run_stop(const char *why);
void sled_run_fail(void);


/* the commands: main.c has the table */
int sled_run_command(int argc, char **argv);
int sled_ask_command(int argc, char **argv);
int sled_mcp_command(int argc, char **argv);
int sled_hook_command(int argc, char **argv);
int sled_rules_command(int argc, char **argv);
int sled_ssh_command_main(int argc, char **argv);
int sled_attach_command(int argc, char **argv);
int sled_control_command(int argc, char **argv);
int sled_audit_command(int argc, char **argv);


#endif /* _SLED_RUN_H_INCLUDED_ */
