/* SPDX-License-Identifier: ISC */
/* The service manager's notification protocol, sd_notify(3), without its library. */
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H

/* Sends "READY=1", "STOPPING=1", … to $NOTIFY_SOCKET; nothing when it is not set. */
void notify_send(const char *state);

#endif
