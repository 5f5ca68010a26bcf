/* SPDX-License-Identifier: ISC */
/*
 * tandemctl: what its commands share. A command gets its arguments, prints its
 * result to `out` (which goes to stdout when it has ended well), and returns
 * the program's exit code.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/conf.h"
#include "ctl/link.h"
#include "ctl/term.h"

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
	EXIT_CONFIG = 78 /* EX_CONFIG of sysexits.h, as the other programs */
};

struct ctl {
	const char *config; /* file named on the command line, else the default */
	bool config_given;
	const char *settings[64];
	size_t setting_count;
	const char *socket;
	const char *first, *last, *user, *book;
	const char *days;
	bool read_only;
	const char *maps[64];
	size_t map_count;
	const char *rate, *to, *passphrase_file;
	const char *sign, *signed_by; /* files of keys */
	bool follow, without_keys, no_verify;
	bool json, password_stdin, no_password, allow_weak, yes, dry_run, print;
	char **args; /* what stands behind the command's name */
	int arg_count;
	struct conf conf;
	struct link link;
	struct buf out;
};

int cmd_user_add(struct ctl *c);
int cmd_user_list(struct ctl *c);
int cmd_user_enable(struct ctl *c);
int cmd_user_disable(struct ctl *c);
int cmd_user_password(struct ctl *c);
int cmd_user_remove(struct ctl *c);
int cmd_user_pin(struct ctl *c);
int cmd_user_pin_verify(struct ctl *c);
int cmd_user_sip_password(struct ctl *c);
int cmd_key_make(struct ctl *c);
int cmd_key_list(struct ctl *c);
int cmd_key_revoke(struct ctl *c);
int cmd_load(struct ctl *c);
int cmd_dump(struct ctl *c);
int cmd_events(struct ctl *c);
int cmd_audit(struct ctl *c);
int cmd_audit_verify(struct ctl *c);
int cmd_import_users(struct ctl *c);
int cmd_import_phonebook(struct ctl *c);
int cmd_import_vcard(struct ctl *c);
int cmd_backup(struct ctl *c);
int cmd_restore(struct ctl *c);
int cmd_migrate(struct ctl *c);
int cmd_verify(struct ctl *c);
int cmd_status(struct ctl *c);
int cmd_check_config(struct ctl *c);
int cmd_cert_make(struct ctl *c);

/* Reads the configuration, as far as it is needed, and connects: EXIT_OK, or an exit code after
 * having said why. */
int ctl_connect(struct ctl *c);
/* Reads `file` and the settings of the command line over the defaults: 0 or -1. */
int ctl_read_conf(struct ctl *c, const char *file, struct err *e);
/* From now on a crash leaves no core file: what is secret must not end up in one. */
void ctl_no_core_file(void);
/* Reads a password or PIN, from the terminal or, with --…-stdin, a line of standard input; it must
 * be UTF-8 of at least `min` characters. EXIT_OK, or an exit code after having said why. */
int ctl_secret(const struct ctl *c, const char *what, size_t min, struct password *p);
/* Connects, and sends a command about the user that the first argument names. */
int ctl_change(struct ctl *c, struct ctl_request *q, int command);
/* Sends a command. EXIT_OK with the answer, which is valid until the next call; or an exit code
 * after having said what went wrong. */
int ctl_call(struct ctl *c, struct ctl_request *q, struct ctl_reply *r, int timeout_ms);
/* The error in an answer, its path included. */
void ctl_error_of(const struct ctl_reply *r, struct err *e);
/* Says why the backend refused a command; returns EXIT_FAILED. `about`: kind of record that the
 * answer's path is of, NULL = none. */
int ctl_refused(const struct ctl_reply *r, const struct rec *about);

/* "tandemctl: …" on stderr, with nothing in it that a terminal would obey. Returns `code`. */
int ctl_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for wrong arguments; returns EXIT_USAGE. */
int ctl_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
