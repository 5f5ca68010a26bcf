/* SPDX-License-Identifier: ISC */
/*
 * A Kamailio with etc/kamailio/kamailio.cfg, telephones of SIPp and a tandem-feed-kamailio beside a
 * rig, on addresses of 127/8 that no other run has and on free ports.
 */
#ifndef TESTS_KAM_RIG_H
#define TESTS_KAM_RIG_H

#include "tests/child.h"
#include "tests/rig.h"

struct kam_rig {
	struct rig rig;
	char proxy_ip[16], phone_ip[16], caller_ip[16], feed_ip[16];
	int sip_port, http_port, phone_port, push_port, feed_port;
	bool registered;     /* phones register; else every call goes to the one phone */
	int ring_ms;         /* how long a phone may ring, from the next start of the proxy on */
	const char *backend; /* where the feed connects to; NULL = the rig's backend */
	struct child proxy, phone, feed, relay;
};

/* A rig with the fixture's users, and what is above without its processes. */
void kam_rig_start(struct kam_rig *k);
void kam_rig_stop(struct kam_rig *k);

/* Starts the proxy and waits until it answers HTTP. */
void kam_proxy(struct kam_rig *k);
/* Ends it with all its processes, so that another one can take its place. */
void kam_proxy_end(struct kam_rig *k);
/* Starts the feed; kill it by child_kill(&k->feed). */
void kam_feed(struct kam_rig *k);
/* Puts a relay between the proxy and the feed that drops every n-th datagram (0 = none). */
void kam_relay(struct kam_rig *k, int drop_each);
/* A telephone with a scenario of tests/sipp (and options behind it), which takes the time of its
 * pause. */
void kam_phone(struct kam_rig *k, const char *scenario, int ms);
/* Calls 4420 as 4410 by a scenario: so many calls, so many a second, each with a pause. */
void kam_call(
    struct kam_rig *k, struct child *c, const char *scenario, int calls, int rate, int ms);

/* The same between two numbers. */
void kam_call_between(struct kam_rig *k, struct child *c, const char *from, const char *to,
    int calls, int rate, int ms);

/* How many events the proxy has numbered. */
long long kam_events(const struct kam_rig *k);
/* How many answered calls the proxy has. */
int kam_live(const struct kam_rig *k);
/* Waits until the rig's log has a text; fails the test after 20 s. */
void kam_await_log(const struct kam_rig *k, const char *what);
/* Lines in the proxy's files of call records. */
int kam_records(const struct kam_rig *k);
/* Waits until nothing happens in the proxy any more. */
void kam_await_quiet(const struct kam_rig *k);
/* Ends the feed: how many messages it has numbered, all of which are stored. */
long long kam_end_feed(struct kam_rig *k);

#endif
