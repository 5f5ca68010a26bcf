/* SPDX-License-Identifier: ISC */
#include "backend/auth_child.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/auth_keys.h"
#include "common/audit_chain.h"
#include "common/sandbox.h"
#include "backend/seal.h"

enum {
	SOCKET = 3, /* where the socket is put, behind stdin, stdout and stderr */
	SIGN_DOMAIN_MAX = 16,
	HASH_PASSES = 2,
	/* A build with sanitizers is for tests alone, which log in by the thousand. */
	HASH_MEMORY = (SANDBOX_SANITIZED ? 1 : 19) * 1024 * 1024,
	/* What a stored hash may ask for: older and newer settings than ours, not the
	 * gigabytes of a row that somebody has tampered with. */
	HASH_PASSES_MAX = 10,
	HASH_KIB_MAX = 64 * 1024
};

_Static_assert(crypto_pwhash_STRBYTES <= (unsigned)AUTH_HASH_MAX, "a hash fits with its NUL");

struct secrets {
	struct auth_keys keys;
	unsigned char signing_key[crypto_sign_SECRETKEYBYTES]; /* seed and public key */
	unsigned char audit_key[crypto_sign_SECRETKEYBYTES];
	unsigned char unsealing_key[crypto_box_SECRETKEYBYTES];
	unsigned char sealing_key[crypto_box_PUBLICKEYBYTES];
};

static struct secrets *secrets; /* read-only once loaded */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct auth_request jobs[AUTH_QUEUE_MAX];
	size_t first, count;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

/* Nothing is flushed or run at exit: there is nothing of the parent's to be done twice. */
static _Noreturn void
quit(int status)
{
	_exit(status);
}

static void
reply(struct auth_reply *r)
{
	size_t n = offsetof(struct auth_reply, data) + r->n;

	if (send(SOCKET, r, n, MSG_NOSIGNAL) != (ssize_t)n)
		quit(EXIT_FAILURE);
}

/* Takes "name=number" and what ends it off the front of *s. */
static bool
cost_within(struct str *s, const char *name, char end, int64_t max)
{
	struct str head;
	int64_t v;

	if (!str_cut(*s, end, &head, s) || !str_starts(head, name))
		return false;
	head.p += strlen(name);
	head.n -= strlen(name);
	return str_to_i64(head, &v) && v >= 1 && v <= max;
}

static bool
hash_is_affordable(struct str hash)
{
	const struct str start = STR_LIT("$argon2id$v=19$");

	if (!str_starts(hash, start.p))
		return false;
	hash.p += start.n;
	hash.n -= start.n;
	return cost_within(&hash, "m=", ',', HASH_KIB_MAX) &&
	    cost_within(&hash, "t=", ',', HASH_PASSES_MAX) && cost_within(&hash, "p=", '$', 1);
}

static bool
verify(const unsigned char *secret, size_t n, struct str hash)
{
	char text[crypto_pwhash_STRBYTES] = "";

	if (hash.n >= sizeof(text) || !hash_is_affordable(hash))
		return false;
	memcpy(text, hash.p, hash.n);
	return strlen(text) == hash.n && crypto_pwhash_str_verify(text, (const char *)secret, n) == 0;
}

static void
do_job(const struct auth_request *job, struct auth_reply *r)
{
	unsigned char secret[crypto_generichash_BYTES];

	*r = (struct auth_reply){.id = job->id};
	crypto_generichash(secret, sizeof(secret), (const unsigned char *)job->data, job->first,
	    secrets->keys.pepper, sizeof(secrets->keys.pepper));
	if (job->op == AUTH_OP_VERIFY) {
		r->ok = verify(secret, sizeof(secret), (struct str){job->data + job->first, job->second});
	} else if (crypto_pwhash_str_alg(r->data, (const char *)secret, sizeof(secret), HASH_PASSES,
	               HASH_MEMORY, crypto_pwhash_ALG_ARGON2ID13) == 0) {
		r->ok = 1;
		r->n = (uint32_t)strlen(r->data);
	}
	explicit_bzero(secret, sizeof(secret));
}

static void
take_job(struct auth_request *job)
{
	struct auth_request *at;

	pthread_mutex_lock(&queue.lock);
	while (queue.count == 0)
		pthread_cond_wait(&queue.filled, &queue.lock);
	at = &queue.jobs[queue.first];
	*job = *at;
	explicit_bzero(at, sizeof(*at));
	queue.first = (queue.first + 1) % AUTH_QUEUE_MAX;
	queue.count--;
	pthread_mutex_unlock(&queue.lock);
}

static void *
hashing_thread(void *arg)
{
	struct auth_request job;
	struct auth_reply r;

	(void)arg;
	for (;;) {
		take_job(&job);
		do_job(&job, &r);
		explicit_bzero(&job, sizeof(job));
		reply(&r);
	}
	return NULL;
}

/* Wipes what it was given, before a thread can have it: once there is an answer nothing is left of
 * a password. */
static void
put_job(struct auth_request *job)
{
	pthread_mutex_lock(&queue.lock);
	if (queue.count == AUTH_QUEUE_MAX)
		quit(EXIT_FAILURE);
	queue.jobs[(queue.first + queue.count) % AUTH_QUEUE_MAX] = *job;
	explicit_bzero(job, sizeof(*job));
	queue.count++;
	pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.lock);
}

static void
sign(const struct auth_request *job, struct str domain, const unsigned char *key)
{
	unsigned char text[SIGN_DOMAIN_MAX + AUTH_PAYLOAD_MAX];
	struct auth_reply r = {.id = job->id, .ok = 1, .n = AUTH_SIGNATURE_LEN};

	memcpy(text, domain.p, domain.n);
	memcpy(text + domain.n, job->data, job->first);
	crypto_sign_detached((unsigned char *)r.data, NULL, text, domain.n + job->first, key);
	reply(&r);
}

static void
open_sealed(const struct auth_request *job)
{
	const struct str box = {job->data, job->first}, user = {job->data + job->first, job->second};
	struct auth_reply r = {.id = job->id};
	size_t n;

	if (seal_open(secrets->sealing_key, secrets->unsealing_key, box, user, r.data, &n) == 0) {
		r.ok = 1;
		r.n = (uint32_t)n;
	}
	reply(&r);
	explicit_bzero(&r, sizeof(r));
}

static bool
well_formed(const struct auth_request *r, size_t n)
{
	const size_t head = offsetof(struct auth_request, data);

	/* The two lengths are bounded before they are added. */
	if (n < head || n > sizeof(*r) || r->first > AUTH_PAYLOAD_MAX || r->second > AUTH_USER_MAX ||
	    n - head != (size_t)r->first + r->second)
		return false;
	switch (r->op) {
	case AUTH_OP_HASH:
		return r->first <= AUTH_PASSWORD_MAX && r->second == 0;
	case AUTH_OP_VERIFY:
		return r->first <= AUTH_PASSWORD_MAX && r->second <= AUTH_HASH_MAX;
	case AUTH_OP_SIGN:
	case AUTH_OP_SEAL:
		return r->second == 0;
	case AUTH_OP_OPEN:
		return r->first <= SEAL_BOX_MAX;
	default:
		return false;
	}
}

static _Noreturn void
serve(void)
{
	struct auth_request r;

	for (;;) {
		ssize_t n = recv(SOCKET, &r, sizeof(r), MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			quit(EXIT_SUCCESS);
		if (n < 0 || !well_formed(&r, (size_t)n))
			quit(EXIT_FAILURE);
		/* A signature takes microseconds, opening a box a hundred: no queueing behind hashes. */
		if (r.op == AUTH_OP_SIGN)
			sign(&r, AUTH_SIGN_DOMAIN, secrets->signing_key);
		else if (r.op == AUTH_OP_SEAL)
			sign(&r, AUDIT_DOMAIN, secrets->audit_key);
		else if (r.op == AUTH_OP_OPEN)
			open_sealed(&r);
		else
			put_job(&r);
		explicit_bzero(&r, sizeof(r));
	}
}

/* The parent ends this process by closing the socket, so what a terminal or a service
 * manager sends to the whole group must not end it earlier. */
static void
set_signals(void)
{
	const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int
keep_only(int fd, struct err *e)
{
	int null;

	/* First out of the way of 0 to 3, in case the parent runs without stdin. */
	if (fd <= SOCKET && (fd = fcntl(fd, F_DUPFD_CLOEXEC, SOCKET + 1)) < 0)
		return err_set(e, ERR_INTERNAL, "auth child: socket: %s", strerror(errno));
	null = open("/dev/null", O_RDWR);
	if (null < 0)
		return err_set(e, ERR_INTERNAL, "/dev/null: %s", strerror(errno));
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || (fcntl(2, F_GETFD) < 0 && dup2(null, 2) < 0))
		return err_set(e, ERR_INTERNAL, "auth child: stdio: %s", strerror(errno));
	if (dup3(fd, SOCKET, O_CLOEXEC) < 0 || close_range(SOCKET + 1, ~0U, 0) != 0)
		return err_set(e, ERR_INTERNAL, "auth child: descriptors: %s", strerror(errno));
	return 0;
}

/* Locking into memory is tried, not demanded: RLIMIT_MEMLOCK may be 0. */
static int
load_secrets(const char *file, unsigned char public_keys[AUTH_HELLO_LEN], struct err *e)
{
	secrets = sodium_malloc(sizeof(*secrets));
	if (secrets == NULL)
		return err_set(e, ERR_INTERNAL, "auth child: no memory");
	if (auth_keys_load(file, &secrets->keys, e) != 0)
		return -1;
	crypto_sign_seed_keypair(public_keys, secrets->signing_key, secrets->keys.signing);
	crypto_box_seed_keypair(secrets->sealing_key, secrets->unsealing_key, secrets->keys.sealing);
	memcpy(public_keys + AUTH_PUBLIC_KEY_LEN, secrets->sealing_key, AUTH_PUBLIC_KEY_LEN);
	crypto_sign_seed_keypair(
	    public_keys + 2 * AUTH_PUBLIC_KEY_LEN, secrets->audit_key, secrets->keys.audit);
	sodium_mprotect_readonly(secrets);
	(void)sodium_mlock(&queue, sizeof(queue));
	return 0;
}

/* Only after the user has changed: the kernel forgets the death signal when it does. */
static int
die_with(pid_t parent, struct err *e)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		return err_set(e, ERR_INTERNAL, "auth child: the parent has gone");
	return 0;
}

static int
start_threads(unsigned n, struct err *e)
{
	while (n-- > 0) {
		pthread_t t;
		int rc = pthread_create(&t, NULL, hashing_thread, NULL);

		if (rc != 0)
			return err_set(e, ERR_INTERNAL, "auth child: thread: %s", strerror(rc));
		pthread_detach(t);
	}
	return 0;
}

static int
prepare(pid_t parent, const struct auth_conf *conf, unsigned char public_keys[AUTH_HELLO_LEN],
    struct err *e)
{
	/* Unreadable for others before there is anything to read. */
	if (sandbox_basics(e) != 0 || load_secrets(conf->key_file, public_keys, e) != 0)
		return -1;
	if (sandbox_become(conf->user, e) != 0 || die_with(parent, e) != 0)
		return -1;
	if (sandbox_paths(NULL, NULL, true, e) != 0 || sandbox_syscalls(SANDBOX_AUTH, false, e) != 0)
		return -1;
	return start_threads(conf->threads, e);
}

_Noreturn void
auth_child_run(int fd, pid_t parent, const struct auth_conf *conf)
{
	struct auth_reply hello = {.ok = 1, .n = AUTH_HELLO_LEN};
	struct err e = {0};

	set_signals();
	prctl(PR_SET_NAME, "tandem-auth");
	/* Where descriptors cannot be sorted out there is no socket to complain on. */
	if (keep_only(fd, &e) != 0)
		quit(EXIT_FAILURE);
	if (prepare(parent, conf, (unsigned char *)hello.data, &e) != 0) {
		hello = (struct auth_reply){.n = (uint32_t)strlen(err_text(&e))};
		memcpy(hello.data, err_text(&e), hello.n);
		reply(&hello);
		quit(EXIT_FAILURE);
	}
	reply(&hello);
	serve();
}
