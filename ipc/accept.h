/* SPDX-License-Identifier: ISC */
/*
 * accept() of the whole program, for libzmq: for want of descriptors its listener at an ipc://
 * address ends the process (4.3.4, ipc_listener.cpp knows no EMFILE). Here whoever connects then is
 * taken by a descriptor that is kept for this, and let go at once: it hears of it and tries again,
 * and libzmq takes it for a peer that has gone by itself.
 */
#ifndef IPC_ACCEPT_H
#define IPC_ACCEPT_H

/* Keeps the descriptor. More than once does no harm. */
void accept_prepare(void);

#endif
