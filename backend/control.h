/* SPDX-License-Identifier: ISC */
/*
 * Commands of tandemctl, over a socket of their own that only the operator can
 * open. The same threads serve them; whoever can speak here has every right,
 * but the rows are checked as those of any client.
 */
#ifndef BACKEND_CONTROL_H
#define BACKEND_CONTROL_H

#include "backend/backend.h"

struct loaded_calls;

/* Loop thread: a command arrived. */
void control_receive(
    struct backend *be, struct ipc_server *s, const struct ipc_peer *from, struct str frame);
/* Loop thread: sends the answer of a finished job (not freed here). */
void control_send(struct job *j);

/* Pieces, in reader threads or the writer's. Each 0 or -1 with j->err. */
int control_status(struct job *j, struct model *m);
int control_user_list(struct job *j, struct model *m);
int control_user_write(struct job *j, struct model *m);
int control_dump(struct job *j, struct model *m);
int control_events(struct job *j, struct model *m);
/* A part of the audit log, with what it is verified by. */
int control_audit(struct job *j, struct model *m);

/* The files of a copy of the store (COPY_DATA, COPY_LOG), and a piece of one. Any thread. */
int control_copy_list(struct job *j);
int control_copy_read(struct job *j);

/* PINs, SIP passwords and private keys (control_secrets.c). */
int control_secret_write(struct job *j, struct model *m);
int control_key_list(struct job *j, struct model *m);
/* Finds the hash that a PIN is compared with (NEXT_PROVE). */
int control_pin_verify(struct job *j, struct model *m);
/* What is to be hashed for a command is refused before, when it breaks a rule. */
int control_check_secret(struct job *j);
/* Seals a user's SIP password that is in clear text; refuses what only claims to be sealed. */
int control_seal(struct backend *be, struct model *m, struct user *u);

/* Rows of a load are kept until LOAD_COMMIT applies all of them or none. One load at a time. */
int load_keep(struct job *j);
int load_apply(struct job *j, struct model *m);
/* Whatever became of it, the load is over. */
void load_end(struct backend *be);

/* Puts one row of a load; the owner must be there. Calls are noted in `calls`; without it they are
 * refused. */
int load_put_row(
    struct backend *be, struct model *m, const struct stored_row *row, struct loaded_calls *calls);

/* Writer: IMPORT_ENTRIES and IMPORT_USER. 0 with what became of each row, or -1: nothing is kept.
 */
int control_import(struct job *j, struct model *m);

/* Removes a user or group with everything that is theirs. */
int control_remove_owner(struct model *m, uint32_t owner);

#endif
