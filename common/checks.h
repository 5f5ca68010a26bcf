/* SPDX-License-Identifier: ISC */
/* Checks that rows of the tables name: NULL = fine, else what is wrong; across fields 0 or -1. */
#ifndef COMMON_CHECKS_H
#define COMMON_CHECKS_H

#include "common/err.h"
#include "common/str.h"

/* A target of forwarding: the user part of a SIP address (RFC 3261 `user`, which also covers
 * numbers), optionally with @host; empty = no target yet. */
const char *check_number(struct str s);
/* A user name or alias: visible characters that need no quoting in a SIP address. */
const char *check_user_name(struct str s);
/* A realm stands in a quoted string of a header: printable, without quotes and backslashes. */
const char *check_realm(struct str s);
/* A host name or IPv4 address (RFC 1123), or an IPv6 address in brackets. */
const char *check_host(struct str s);
/* An http or https URL that can stand in a header field: printable ASCII without blanks. */
const char *check_url(struct str s);
/* A digest of 32 bytes in lower-case hexadecimal. */
const char *check_digest(struct str s);
/* struct period: starts before it ends. */
int check_period(const void *obj, struct err *e);
/* struct schedule: no two periods overlap once days are spelled out; touching ends are fine. */
int check_schedule(const void *obj, struct err *e);

/* The name of a conference room: of a SIP address, without what separates the parts of a path or
 * the words of a command. */
const char *check_room_name(struct str s);
/* Name of a switch: letters, digits, '.', '_' and '-'. */
const char *check_source(struct str s);
/* A PIN that a telephone can dial; empty = none. */
const char *check_room_code(struct str s);
/* struct speeddial: buttons must be given unless a group's are wanted. */
int check_speeddial(const void *obj, struct err *e);

#endif
