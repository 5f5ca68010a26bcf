/* SPDX-License-Identifier: ISC */
/*
 * Who may connect: answers libzmq's authentication requests (ZAP, RFC 27) from
 * a thread of its own, one for all servers of a process. czmq's zauth is not
 * used: it knows one directory per process, aborts when two files hold the
 * same key, and writes a certificate's metadata past the end of a buffer.
 * Users of ipc sockets are checked here and not with ZMQ_IPC_FILTER_UID, which
 * calls getpwuid() for every refused peer: that loads NSS modules, in a
 * process whose system calls are filtered.
 */
#ifndef IPC_ZAP_H
#define IPC_ZAP_H

#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

enum { ZAP_DOMAIN_MAX = 16, ZAP_USERS_MAX = 16, ZAP_KEYS_MAX = 1024 };

struct zap_rule;

/* Allows these users, by the credentials of a unix socket's peer. */
int zap_allow_users(struct zap_rule **ret, const uid_t *uids, size_t n, struct err *e);
/* Allows the keys of the certificates in `dir`, read now and by zap_reload(). Names that start
 * with a dot or end in "_secret" are passed over; a file that is no certificate is an error. */
int zap_allow_keys(struct zap_rule **ret, const char *dir, struct err *e);
void zap_free(struct zap_rule *r);

/* The ZAP domain that the socket must have. */
const char *zap_domain(const struct zap_rule *r);
/* Reads the directory again. On failure what was allowed stays. Nothing for users. */
int zap_reload(struct zap_rule *r, struct err *e);

#endif
