/* SPDX-License-Identifier: ISC */
#include "ipc/zap.h"

#include <czmq.h>
#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>

#include "common/str.h"
#include "ipc/zpl.h"

#define ZAP_ADDRESS "inproc://zeromq.zap.01"

struct keys {
	size_t n;
	unsigned char v[][ZPL_KEY_SIZE];
};

struct zap_rule {
	struct zap_rule *next;
	char domain[ZAP_DOMAIN_MAX];
	char *dir;         /* NULL: users */
	struct keys *keys; /* replaced as a whole */
	uid_t uids[ZAP_USERS_MAX];
	size_t uid_count;
};

/* The rules are written by the threads of the servers and read by the handler's. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct zap_rule *rules;
static zactor_t *handler;
static unsigned long last_domain;

/* libzmq gives the peer of a unix socket as host:uid:gid:pid. */
static bool
peer_uid(struct str address, int64_t *uid)
{
	for (int colons = 0; address.n > 0; address.n--) {
		if (address.p[address.n - 1] != ':' || ++colons < 3)
			continue;
		address.p += address.n;
		return str_to_i64((struct str){address.p, strcspn(address.p, ":")}, uid);
	}
	return false;
}

static bool
user_allowed(const struct zap_rule *r, const char *address)
{
	int64_t uid;

	if (!peer_uid(str_c(address), &uid))
		return false;
	for (size_t i = 0; i < r->uid_count; i++)
		if ((int64_t)r->uids[i] == uid)
			return true;
	return false;
}

static bool
key_allowed(const struct keys *keys, zframe_t *key)
{
	if (zframe_size(key) != ZPL_KEY_SIZE)
		return false;
	for (size_t i = 0; i < keys->n; i++)
		if (memcmp(keys->v[i], zframe_data(key), ZPL_KEY_SIZE) == 0)
			return true;
	return false;
}

/* Without a key the mechanism is NULL, which is only good for the user rules. */
static bool
allowed(const char *domain, const char *address, const char *mechanism, zframe_t *key)
{
	bool yes = false;

	pthread_mutex_lock(&lock);
	for (const struct zap_rule *r = rules; r != NULL; r = r->next) {
		if (strcmp(r->domain, domain) != 0)
			continue;
		if (r->dir == NULL)
			yes = strcmp(mechanism, "NULL") == 0 && user_allowed(r, address);
		else
			yes = strcmp(mechanism, "CURVE") == 0 && key != NULL && key_allowed(r->keys, key);
		break;
	}
	pthread_mutex_unlock(&lock);
	return yes;
}

/* Frames: version, sequence, domain, address, identity, mechanism, credentials. */
static void
answer(zsock_t *rep)
{
	zmsg_t *request = zmsg_recv(rep);
	char *text[6];
	bool whole = true;
	zframe_t *key;
	bool yes;

	if (request == NULL)
		return;
	for (size_t i = 0; i < 6; i++) {
		text[i] = zmsg_popstr(request);
		whole = whole && text[i] != NULL;
	}
	key = zmsg_pop(request);
	yes = whole && strcmp(text[0], "1.0") == 0 && allowed(text[2], text[3], text[5], key);
	zstr_sendx(rep, "1.0", text[1] != NULL ? text[1] : "", yes ? "200" : "400",
	    yes ? "OK" : "No access", "", "", NULL);
	for (size_t i = 0; i < 6; i++)
		zstr_free(&text[i]);
	zframe_destroy(&key);
	zmsg_destroy(&request);
}

static void
serve(zsock_t *pipe, void *arg)
{
	zsock_t *rep = arg;
	zpoller_t *poller = zpoller_new(pipe, rep, NULL);

	zsock_signal(pipe, 0);
	/* Only the end of the actor writes to the pipe. */
	while (zpoller_wait(poller, -1) == rep)
		answer(rep);
	zpoller_destroy(&poller);
	/* Closing happens in the background, and the next handler needs the address now. */
	zsock_unbind(rep, "%s", ZAP_ADDRESS);
	zsock_destroy(&rep);
}

static int
start_handler(struct err *e)
{
	zsock_t *rep = zsock_new(ZMQ_REP);
	sigset_t all;
	sigset_t old;

	if (rep == NULL || zsock_bind(rep, "%s", ZAP_ADDRESS) != 0) {
		zsock_destroy(&rep);
		return err_set(e, ERR_INTERNAL, "the address of the ZAP handler is in use");
	}
	/* The process's signals are for its own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	handler = zactor_new(serve, rep);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return 0;
}

static int
append_key(struct keys **keys, const char *dir, const char *name, struct err *e)
{
	char file[PATH_MAX];
	struct keys *more;

	if ((size_t)snprintf(file, sizeof(file), "%s/%s", dir, name) >= sizeof(file))
		return err_set(e, ERR_INVALID, "name too long in %s", dir);
	if ((*keys)->n == ZAP_KEYS_MAX)
		return err_set(e, ERR_INVALID, "more than %d certificates in %s", ZAP_KEYS_MAX, dir);
	more = realloc(*keys, sizeof(**keys) + ((*keys)->n + 1) * ZPL_KEY_SIZE);
	if (more == NULL)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	*keys = more;
	if (zpl_load_public(more->v[more->n], file, e) != 0)
		return -1;
	more->n++;
	return 0;
}

static bool
passed_over(const char *name)
{
	static const char suffix[] = "_secret";
	size_t n = strlen(name);

	return name[0] == '.' ||
	    (n >= sizeof(suffix) - 1 && strcmp(name + n - (sizeof(suffix) - 1), suffix) == 0);
}

static int
append_all(struct keys **keys, DIR *d, const char *dir, struct err *e)
{
	const struct dirent *entry;

	for (;;) {
		errno = 0;
		entry = readdir(d);
		if (entry == NULL)
			break;
		if (!passed_over(entry->d_name) && append_key(keys, dir, entry->d_name, e) != 0)
			return -1;
	}
	if (errno != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", strerror(errno), dir);
	return 0;
}

static struct keys *
read_keys(const char *dir, struct err *e)
{
	struct keys *keys = calloc(1, sizeof(*keys));
	DIR *d = opendir(dir);
	int rc = -1;

	if (d == NULL)
		err_set(e, ERR_UNAVAILABLE, "%s: certificates in %s", strerror(errno), dir);
	else if (keys == NULL)
		err_set(e, ERR_UNAVAILABLE, "out of memory");
	else
		rc = append_all(&keys, d, dir, e);
	if (d != NULL)
		closedir(d);
	if (rc != 0) {
		free(keys);
		return NULL;
	}
	return keys;
}

static void
rule_free(struct zap_rule *r)
{
	free(r->dir);
	free(r->keys);
	free(r);
}

static int
add(struct zap_rule **ret, struct zap_rule *r, struct err *e)
{
	if (handler == NULL && start_handler(e) != 0) {
		rule_free(r);
		return -1;
	}
	pthread_mutex_lock(&lock);
	/* Never used twice: a late request must not meet the rule of another server. */
	snprintf(r->domain, sizeof(r->domain), "%lu", ++last_domain);
	r->next = rules;
	rules = r;
	pthread_mutex_unlock(&lock);
	*ret = r;
	return 0;
}

int
zap_allow_users(struct zap_rule **ret, const uid_t *uids, size_t n, struct err *e)
{
	struct zap_rule *r;

	if (n > ZAP_USERS_MAX)
		return err_set(e, ERR_INVALID, "more than %d users for a socket", ZAP_USERS_MAX);
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	memcpy(r->uids, uids, n * sizeof(*uids));
	r->uid_count = n;
	return add(ret, r, e);
}

int
zap_allow_keys(struct zap_rule **ret, const char *dir, struct err *e)
{
	struct zap_rule *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	r->keys = read_keys(dir, e);
	r->dir = r->keys != NULL ? strdup(dir) : NULL;
	if (r->dir == NULL) {
		if (r->keys != NULL)
			err_set(e, ERR_UNAVAILABLE, "out of memory");
		rule_free(r);
		return -1;
	}
	return add(ret, r, e);
}

void
zap_free(struct zap_rule *r)
{
	struct zap_rule **at = &rules;

	pthread_mutex_lock(&lock);
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	pthread_mutex_unlock(&lock);
	rule_free(r);
	if (rules == NULL)
		zactor_destroy(&handler);
}

const char *
zap_domain(const struct zap_rule *r)
{
	return r->domain;
}

int
zap_reload(struct zap_rule *r, struct err *e)
{
	struct keys *fresh;
	struct keys *old;

	if (r->dir == NULL)
		return 0;
	fresh = read_keys(r->dir, e);
	if (fresh == NULL)
		return -1;
	pthread_mutex_lock(&lock);
	old = r->keys;
	r->keys = fresh;
	pthread_mutex_unlock(&lock);
	free(old);
	return 0;
}
