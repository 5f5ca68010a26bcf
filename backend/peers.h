/* SPDX-License-Identifier: ISC */
/* Who has said hello, so that others are asked to. Bounded: the peer not heard of for the
 * longest time is forgotten first, and will simply say hello again. For the loop thread. */
#ifndef BACKEND_PEERS_H
#define BACKEND_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/server.h"

enum { PEERS_MAX = 256, PEER_FRESH_US = 60 * 1000000 };

struct peers;

struct peers *peers_new(void);
void peers_free(struct peers *p);
/* A peer is a routing id on one of the sockets. */
void peers_hello(
    struct peers *p, const struct ipc_server *via, const struct ipc_peer *peer, int64_t now_us);
/* Whether it has said hello; notes that it was heard of. */
bool peers_known(
    struct peers *p, const struct ipc_server *via, const struct ipc_peer *peer, int64_t now_us);
/* Heard of within PEER_FRESH_US. */
int64_t peers_fresh(const struct peers *p, int64_t now_us);

#endif
