/* SPDX-License-Identifier: ISC */
/*
 * The way to the backend, one per worker: the DEALER socket in Kore's event
 * loop, the requests that wait for replies, and their deadlines. Nothing is
 * ever sent twice.
 */
#ifndef GATEWAY_BUS_H
#define GATEWAY_BUS_H

#include "common/err.h"
#include "gateway/req.h"

/* In the worker, behind its sandbox. */
int bus_start(struct err *e);
void bus_stop(void);

/* Sends the message of a request in REQ_WAIT. When it cannot be sent the state is REQ_ANSWER
 * with ERR_UNAVAILABLE; else the request is woken up when its state has changed. */
void bus_send(struct req *r);
/* Gives the backend leave for the parts that are due. */
void bus_credit(struct req *r);
/* The request is over, however it ended. */
void bus_release(struct req *r);

/* The realm of challenges, fit for a quoted string. */
const char *bus_realm(void);

#endif
