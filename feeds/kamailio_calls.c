/* SPDX-License-Identifier: ISC */
/*
 * The proxy numbers its events. They are pushed by datagrams, which come late, in another order or
 * not at all; whatever is missing after a moment is pulled from the proxy's ring over HTTP, and a
 * pull now and then finds the last one. They are applied in the order of their numbers. What cannot
 * be got any more, and another life of the proxy, lead to a list of all calls.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/tree.h"
#include "feeds/kamailio.h"

enum {
	HELD = 4096,        /* events that wait for an earlier one */
	HOLE_MS = 30,       /* how long that one may be late */
	LOST_MS = 1000,     /* how long it may be missing in the ring as well */
	PULL_MS = 200,      /* how often to ask without a reason */
	AWAY_MAX_MS = 1000, /* pause between tries while nobody answers */
	RESYNC_PAUSE_MS = 500,
	PULL_TIMEOUT_MS = 3000,
	LIST_TIMEOUT_MS = 20000,
	PULL_BYTES = 4 << 20,
	LIST_BYTES = 32 << 20,
	EVENT_ARENA = 256 * 1024,
	PULL_ARENA = 32 << 20,
	LIST_ARENA = 256 << 20,
	BURST = 512, /* datagrams in one turn of the loop */
	SOCKET_BYTES = 4 << 20
};

#define NO_EVENTS 2147480000 /* behind all of them: the answer is head and boot alone */

struct held {
	struct arena a;
	struct kam_event ev;
	bool broken;
};

/* How far a call was. Two replies of one call may be at work in two processes of the proxy, so that
 * the earlier has the later number; and a call that has ended never goes on. */
enum { RANK_NONE, RANK_STARTED, RANK_RINGING, RANK_ANSWERED, RANK_OVER, RANKS = 16384 };

struct rank {
	uint64_t call; /* hash of its key */
	int rank;
};

struct kam_calls {
	struct feed *feed;
	char url[CONF_TEXT_MAX];
	int fd;
	struct in_addr from;
	struct http *pull, *list;

	char boot[KAM_BOOT_MAX]; /* "" = no list yet */
	int64_t next;            /* number of the next event to apply */
	struct held *held[HELD]; /* by number modulo HELD */
	size_t held_n;
	struct rank ranks[RANKS]; /* of the latest calls, by hash */
	int64_t hole_ms;          /* since when `next` is missing, 0 = it is not */
	bool pull_again;

	bool syncing, sync_wanted;
	char sync_boot[KAM_BOOT_MAX];
	int64_t sync_head, synced_ms;
	int64_t away; /* pause of the last try that failed, 0 = the proxy answers */
};

static void pull(struct kam_calls *k);
static void sync_begin(void *arg);

static void
held_free(struct held *h)
{
	if (h != NULL)
		arena_free(&h->a);
	free(h);
}

static void
drop_held(struct kam_calls *k)
{
	for (size_t i = 0; i < HELD; i++) {
		held_free(k->held[i]);
		k->held[i] = NULL;
	}
	k->held_n = 0;
	k->hole_ms = 0;
}

static struct held *
held_new(void)
{
	struct held *h = calloc(1, sizeof(*h));

	if (h != NULL)
		arena_init(&h->a, EVENT_ARENA);
	return h;
}

/* --- events in order -------------------------------------------------------------------------- */

/* Whether a call gets further by it, or stays where it is. */
static bool
gets_on(struct kam_calls *k, const struct kam_event *ev)
{
	static const int ranks[] = {[call_state_STARTED] = RANK_STARTED,
	    [call_state_RINGING] = RANK_RINGING,
	    [call_state_ANSWERED] = RANK_ANSWERED};
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	int rank = ev->over ? RANK_OVER : ranks[ev->call.state];
	struct rank *r;

	for (const char *c = ev->key; *c != '\0'; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	r = &k->ranks[h % RANKS];
	if (r->call == h && r->rank > rank)
		return false;
	*r = (struct rank){h, rank};
	return true;
}

static void
apply(struct kam_calls *k, const struct kam_event *ev)
{
	char id[KAM_BOOT_MAX + 32];

	if (!gets_on(k, ev))
		return;
	snprintf(id, sizeof(id), "%s/%lld", ev->boot, (long long)ev->seq);
	feed_say(k->feed, ev->over ? feed_kind_CALL_END : feed_kind_CALL, ev->key, 0, ev->time, id,
	    ev->over ? NULL : &ev->call);
}

static void
on_hole(void *arg)
{
	pull(arg);
}

static void
advance(struct kam_calls *k)
{
	struct held **slot;

	while ((slot = &k->held[k->next % HELD])[0] != NULL && slot[0]->ev.seq == k->next) {
		struct held *h = *slot;

		*slot = NULL;
		k->held_n--;
		k->next++;
		k->hole_ms = 0;
		if (!h->broken)
			apply(k, &h->ev);
		held_free(h);
	}
	if (k->held_n > 0 && k->hole_ms == 0) {
		k->hole_ms = clock_ms();
		feed_timer(k->feed, HOLE_MS, on_hole, k);
	}
}

/* Takes over an event with a readable number. */
static void
take(struct kam_calls *k, struct held *h)
{
	struct held **slot = &k->held[h->ev.seq % HELD];

	/* Said already; here already; so far ahead that it has to be asked for again. */
	if (h->ev.seq < k->next || *slot != NULL || h->ev.seq >= k->next + HELD) {
		held_free(h);
		return;
	}
	*slot = h;
	k->held_n++;
}

static void
want_sync(struct kam_calls *k, const char *why)
{
	int64_t pause = k->synced_ms + RESYNC_PAUSE_MS - clock_ms();

	/* What is under way has not been told yet. */
	if (k->sync_wanted || k->syncing)
		return;
	log_event(LOG_INFO_, "resync", "%s", why);
	k->sync_wanted = true;
	feed_timer(k->feed, pause > 0 ? pause : 0, sync_begin, k);
}

static void
on_datagram(struct kam_calls *k, char *text, size_t n)
{
	struct held *h = held_new();
	struct err e = {0};

	if (h == NULL)
		return;
	if (kam_event_read(text, n, &h->a, &h->ev, &e) != 0) {
		/* A pull shows whether the proxy really says so. */
		log_event(LOG_DEBUG_, "datagram", "%s", err_text(&e));
		held_free(h);
	} else if (k->syncing || k->boot[0] == '\0') {
		/* It is behind the list, and is asked for then. */
		held_free(h);
	} else if (strcmp(h->ev.boot, k->boot) != 0) {
		held_free(h);
		/* One of an earlier life may come late: the proxy is asked. */
		pull(k);
	} else {
		take(k, h);
		advance(k);
	}
}

static void
on_push(void *arg, short revents)
{
	struct kam_calls *k = arg;
	static char text[KAM_EVENT_MAX + 1];

	(void)revents;
	for (int i = 0; i < BURST; i++) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(
		    k->fd, text, sizeof(text), MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		if (n <= KAM_EVENT_MAX && len == sizeof(from) && from.sin_addr.s_addr == k->from.s_addr)
			on_datagram(k, text, (size_t)n);
	}
}

/* --- pulling ------------------------------------------------------------------------------------
 */

static void
on_time(void *arg)
{
	pull(arg);
}

static void
pull_later(struct kam_calls *k)
{
	feed_timer(k->feed, k->away > 0 ? feed_backoff(&k->away, AWAY_MAX_MS) : PULL_MS, on_time, k);
}

static int64_t
int_of(const struct node *root, const char *name)
{
	const struct node *n = root->kind == NODE_MAP ? node_get(root, str_c(name)) : NULL;

	return n != NULL && n->kind == NODE_INT ? n->i : -1;
}

static struct str
boot_of(const struct node *root)
{
	const struct node *n = root->kind == NODE_MAP ? node_get(root, STR_LIT("boot")) : NULL;

	return n != NULL && n->kind == NODE_TEXT && n->text.n > 0 && n->text.n < KAM_BOOT_MAX
	    ? n->text
	    : (struct str){"", 0};
}

static void
take_pulled(struct kam_calls *k, const struct node *list)
{
	for (const struct node *n = list->first; n != NULL; n = n->next) {
		struct held *h = held_new();
		struct live_call call;
		struct err e = {0};

		if (h == NULL)
			return;
		h->broken = kam_event_of(n, &h->a, &h->ev, &e) != 0;
		if (!h->broken && !h->ev.over) {
			/* Out of the document, which goes away. */
			call = h->ev.call;
			h->broken = rec_copy(&rec_live_call, &h->ev.call, &call, &h->a) != 0;
		}
		if (h->broken)
			log_event(LOG_WARN_, "event", "%lld: %s", (long long)h->ev.seq, err_text(&e));
		if (h->ev.seq < 1)
			held_free(h);
		else
			take(k, h);
	}
	advance(k);
}

/* After the ring was seen: is something missing that it should have? */
static void
look_for_holes(struct kam_calls *k, int64_t head, int64_t next)
{
	int64_t now = clock_ms();

	if (k->next > head && k->held_n == 0) {
		k->hole_ms = 0;
	} else if (next <= head && k->next >= next) {
		/* There is more, and nothing was missing so far. */
		k->pull_again = true;
	} else if (k->next <= head) {
		if (k->hole_ms == 0)
			k->hole_ms = now;
		/* A number is taken a moment before its event is in the ring. */
		if (now - k->hole_ms > LOST_MS)
			want_sync(k, "an event is not in the ring any more");
		else
			feed_timer(k->feed, HOLE_MS, on_hole, k);
	}
}

static void
on_pulled(void *arg, int status, char *body, size_t n, const char *why)
{
	struct kam_calls *k = arg;
	const struct node *list;
	struct node *root;
	struct arena a;
	struct err e = {0};
	int64_t head, next;

	arena_init(&a, PULL_ARENA);
	if (status != 200) {
		if (k->away == 0)
			log_event(LOG_WARN_, "kamailio", "no events: %s", why != NULL ? why : "no 200");
		k->away = k->away > 0 ? k->away : 1;
	} else if (kam_clean(body, n), json_read((struct str){body, n}, &a, &root, &e) != 0) {
		log_event(LOG_WARN_, "kamailio", "events that cannot be read: %s", err_text(&e));
	} else if (!str_eqc(boot_of(root), k->boot)) {
		k->away = 0;
		want_sync(k, "the proxy has begun another life");
	} else if ((head = int_of(root, "head")) >= 0 && (next = int_of(root, "next")) >= 0 &&
	    (list = node_get(root, STR_LIT("events"))) != NULL && list->kind == NODE_LIST) {
		k->away = 0;
		take_pulled(k, list);
		look_for_holes(k, head, next);
	}
	arena_free(&a);
	if (k->pull_again && !k->sync_wanted) {
		k->pull_again = false;
		pull(k);
	} else {
		pull_later(k);
	}
}

static void
pull(struct kam_calls *k)
{
	char url[KAM_URL_MAX];

	if (k->boot[0] == '\0' || k->syncing || k->sync_wanted)
		return;
	if (http_busy(k->pull)) {
		k->pull_again = true;
		return;
	}
	k->pull_again = false;
	snprintf(url, sizeof(url), "%s/tandem/ev/%lld", k->url, (long long)k->next - 1);
	if (http_ask(k->pull, url, NULL, PULL_TIMEOUT_MS, on_pulled, k) != 0)
		pull_later(k);
}

/* --- the list of all calls
 * ------------------------------------------------------------------------ */

static void
sync_failed(struct kam_calls *k, const char *why)
{
	if (k->away == 0)
		log_event(LOG_WARN_, "kamailio", "no list of calls: %s", why);
	k->syncing = false;
	k->sync_wanted = true;
	feed_timer(k->feed, feed_backoff(&k->away, AWAY_MAX_MS), sync_begin, k);
}

/* Says the snapshot. */
static void
tell(struct kam_calls *k, const struct node *list)
{
	size_t n = 0, bad = 0;

	feed_say(k->feed, feed_kind_SNAPSHOT_BEGIN, NULL, 0, 0, NULL, NULL);
	for (const struct node *d = list->first; d != NULL; d = d->next) {
		struct kam_event ev;
		struct arena a;
		struct err e = {0};
		int rc;

		arena_init(&a, EVENT_ARENA);
		rc = kam_listed(d, k->sync_boot, &a, &ev, &e);
		if (rc == 1 && gets_on(k, &ev))
			n += feed_say(k->feed, feed_kind_CALL, ev.key, 0, ev.call.started, NULL, &ev.call) == 0;
		bad += rc < 0;
		arena_free(&a);
	}
	feed_say(k->feed, feed_kind_SNAPSHOT_END, NULL, 0, 0, NULL, NULL);
	log_event(LOG_INFO_, "resync", "%zu calls, %zu that cannot be read, events behind %lld", n, bad,
	    (long long)k->sync_head);
}

static void
on_list(void *arg, int status, char *body, size_t n, const char *why)
{
	struct kam_calls *k = arg;
	const struct node *list = NULL;
	struct node *root;
	struct arena a;
	struct err e = {0};

	arena_init(&a, LIST_ARENA);
	if (status != 200) {
		sync_failed(k, why != NULL ? why : "no 200");
	} else if (kam_clean(body, n), json_read((struct str){body, n}, &a, &root, &e) != 0) {
		sync_failed(k, err_text(&e));
	} else if (root->kind != NODE_MAP ||
	    ((list = node_get(root, STR_LIT("result"))) == NULL || list->kind != NODE_LIST)) {
		/* Without a call the result may be an empty map. */
		if (list != NULL && list->kind == NODE_MAP && list->first == NULL)
			list = node_new(&a, NODE_LIST, (struct str){"", 0});
		else
			list = NULL;
		if (list == NULL)
			sync_failed(k, "not a list of dialogs");
	}
	if (list != NULL && list->kind == NODE_LIST) {
		k->syncing = false;
		k->away = 0;
		k->synced_ms = clock_ms();
		drop_held(k);
		memcpy(k->boot, k->sync_boot, sizeof(k->boot));
		k->next = k->sync_head + 1;
		tell(k, list);
		pull(k);
	}
	arena_free(&a);
}

static void
on_head(void *arg, int status, char *body, size_t n, const char *why)
{
	static const char ask[] = "{\"jsonrpc\":\"2.0\",\"method\":\"dlg.list\",\"id\":1}";
	struct kam_calls *k = arg;
	char url[KAM_URL_MAX];
	struct node *root;
	struct arena a;
	struct err e = {0};
	struct str boot;

	arena_init(&a, PULL_ARENA);
	if (status != 200) {
		sync_failed(k, why != NULL ? why : "no 200");
	} else if (kam_clean(body, n), json_read((struct str){body, n}, &a, &root, &e) != 0) {
		sync_failed(k, err_text(&e));
	} else if ((boot = boot_of(root)).n == 0 || (k->sync_head = int_of(root, "head")) < 0) {
		sync_failed(k, "no number of the last event");
	} else {
		memset(k->sync_boot, 0, sizeof(k->sync_boot));
		memcpy(k->sync_boot, boot.p, boot.n);
		snprintf(url, sizeof(url), "%s/tandem/rpc", k->url);
		if (http_ask(k->list, url, ask, LIST_TIMEOUT_MS, on_list, k) != 0)
			sync_failed(k, "cannot ask");
	}
	arena_free(&a);
}

/* The number of the last event first, then the list: what happens between is applied twice, which
 * makes no difference. */
static void
sync_begin(void *arg)
{
	struct kam_calls *k = arg;
	char url[KAM_URL_MAX];

	if (k->syncing)
		return;
	k->sync_wanted = false;
	k->syncing = true;
	snprintf(url, sizeof(url), "%s/tandem/ev/%d", k->url, NO_EVENTS);
	if (http_ask(k->list, url, NULL, PULL_TIMEOUT_MS, on_head, k) != 0)
		sync_failed(k, "cannot ask");
}

void
kam_calls_resync(struct kam_calls *k)
{
	want_sync(k, "asked for");
}

void
kam_calls_start(struct kam_calls *k)
{
	feed_watch(k->feed, k->fd, POLLIN, on_push, k);
	want_sync(k, "the feed has started");
}

/* --- opening
 * ---------------------------------------------------------------------------------------- */

static int
listen_at(struct kam_calls *k, const struct conf *c, struct err *e)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->kamailio_port)};
	int bytes = SOCKET_BYTES;

	if (inet_pton(AF_INET, c->kamailio_listen, &at.sin_addr) != 1 ||
	    inet_pton(AF_INET, c->kamailio_from, &k->from) != 1)
		return err_set(e, ERR_INVALID, "kamailio.listen and kamailio.from must be IPv4 addresses");
	k->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd < 0 || bind(k->fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		return err_set(e, ERR_INVALID, "%s:%d: %s", c->kamailio_listen, (int)c->kamailio_port,
		    strerror(errno));
	/* As much as the system lets; what does not fit is pulled. */
	setsockopt(k->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return 0;
}

int
kam_calls_new(struct kam_calls **ret, struct feed *f, const struct conf *c, struct err *e)
{
	struct kam_calls *k = calloc(1, sizeof(*k));
	size_t n = strlen(c->kamailio_url);

	if (k == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	*ret = k;
	k->feed = f;
	k->fd = -1;
	memcpy(k->url, c->kamailio_url, sizeof(k->url));
	while (n > 0 && k->url[n - 1] == '/')
		k->url[--n] = '\0';
	if (strncmp(k->url, "http://", 7) != 0)
		return err_set(e, ERR_INVALID, "kamailio.url must begin with http://");
	if (listen_at(k, c, e) != 0 || http_new(&k->pull, f, PULL_BYTES, e) != 0 ||
	    http_new(&k->list, f, LIST_BYTES, e) != 0)
		return -1;
	return 0;
}

void
kam_calls_free(struct kam_calls *k)
{
	if (k == NULL)
		return;
	drop_held(k);
	http_free(k->pull);
	http_free(k->list);
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}
