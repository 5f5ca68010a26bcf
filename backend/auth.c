/* SPDX-License-Identifier: ISC */
#include "backend/auth.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/auth_child.h"
#include "backend/seal.h"

enum {
	START_MS = 10000,         /* how long the child may take until it is ready */
	STOP_MS = 2000,           /* how long it may take to end by itself */
	SEND_BUFFER = 256 * 1024, /* AUTH_QUEUE_MAX of the longest requests, with the
	                           * kernel's overhead; it doubles the figure */
	THREADS_MAX = 8
};

struct pending {
	auth_done_fn *done; /* NULL = free */
	void *arg;
	uint32_t id;
	enum auth_op op;
};

struct auth {
	int fd;
	pid_t pid;
	bool gone;
	uint32_t turn; /* makes ids of the same slot differ */
	struct pending pending[AUTH_QUEUE_MAX];
	unsigned char public_key[AUTH_PUBLIC_KEY_LEN], sealing_key[AUTH_PUBLIC_KEY_LEN];
	unsigned char audit_key[AUTH_PUBLIC_KEY_LEN];
};

_Static_assert(SEAL_BOX_MAX + AUTH_USER_MAX <= AUTH_PAYLOAD_MAX, "an opening fits");

/* Waits for a message or the end of the child: true when there is one of them. */
static bool
wait_readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int rc;

	do
		rc = poll(&p, 1, ms);
	while (rc < 0 && errno == EINTR);
	return rc > 0;
}

static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static bool
reply_fits(const struct auth_reply *r, ssize_t n)
{
	const size_t head = offsetof(struct auth_reply, data);

	return n >= 0 && (size_t)n >= head && (size_t)n <= sizeof(*r) && r->ok <= 1 &&
	    (size_t)n - head == r->n;
}

static int
read_hello(struct auth *a, struct err *e)
{
	struct auth_reply r;
	ssize_t n;

	if (!wait_readable(a->fd, START_MS))
		return err_set(e, ERR_INTERNAL, "auth child: not ready in time");
	n = recv(a->fd, &r, sizeof(r), MSG_TRUNC | MSG_DONTWAIT);
	if (n <= 0)
		return err_set(e, ERR_INTERNAL, "auth child: ended at its start");
	if (!reply_fits(&r, n) || r.id != 0 || (r.ok && r.n != AUTH_HELLO_LEN))
		return err_set(e, ERR_INTERNAL, "auth child: unreadable greeting");
	if (!r.ok)
		return err_set(e, ERR_INTERNAL, "%.*s", (int)r.n, r.data);
	memcpy(a->public_key, r.data, AUTH_PUBLIC_KEY_LEN);
	memcpy(a->sealing_key, r.data + AUTH_PUBLIC_KEY_LEN, AUTH_PUBLIC_KEY_LEN);
	memcpy(a->audit_key, r.data + 2 * AUTH_PUBLIC_KEY_LEN, AUTH_PUBLIC_KEY_LEN);
	return 0;
}

static int
start_child(struct auth *a, const struct auth_conf *conf, struct err *e)
{
	const int size = SEND_BUFFER;
	pid_t parent = getpid();
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return err_set(e, ERR_INTERNAL, "auth child: socket: %s", strerror(errno));
	/* Where the system allows less, a full buffer is a full queue. */
	(void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	a->pid = fork();
	if (a->pid == 0)
		auth_child_run(fds[1], parent, conf);
	close(fds[1]);
	a->fd = fds[0];
	if (a->pid < 0) {
		err_set(e, ERR_INTERNAL, "auth child: fork: %s", strerror(errno));
		close(a->fd);
		return -1;
	}
	return 0;
}

int
auth_start(struct auth **ret, const struct auth_conf *conf, struct err *e)
{
	struct auth *a;

	if (conf->threads < 1 || conf->threads > THREADS_MAX)
		return err_set(e, ERR_INVALID, "auth child: 1 to %d threads", THREADS_MAX);
	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "libsodium cannot be initialised");
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return err_set(e, ERR_INTERNAL, "auth child: no memory");
	if (start_child(a, conf, e) != 0) {
		free(a);
		return -1;
	}
	if (read_hello(a, e) != 0) {
		auth_stop(a);
		return -1;
	}
	*ret = a;
	return 0;
}

static void
finish(struct pending *p, bool ok, struct str result)
{
	auth_done_fn *done = p->done;

	/* Free before the call: the callback may want the place for its next request. */
	p->done = NULL;
	done(p->arg, ok, result);
}

static void
give_up(struct auth *a)
{
	/* Set first: callbacks cannot make new requests of a child that has gone. */
	a->gone = true;
	for (size_t i = 0; i < AUTH_QUEUE_MAX; i++)
		if (a->pending[i].done != NULL)
			finish(&a->pending[i], false, (struct str){"", 0});
}

/* The child answers the closed socket by ending, which closes its own end of it. */
static void
end_child(struct auth *a)
{
	struct auth_reply r;

	shutdown(a->fd, SHUT_WR);
	do {
		/* As root it is another user's process, which may not be killed from here. It cannot
		 * be waited for either then; it will find the socket closed when it runs again. */
		if (!wait_readable(a->fd, STOP_MS) && kill(a->pid, SIGKILL) != 0) {
			close(a->fd);
			return;
		}
	} while (recv(a->fd, &r, sizeof(r), MSG_DONTWAIT) > 0);
	close(a->fd);
	reap(a->pid);
}

void
auth_stop(struct auth *a)
{
	if (a == NULL)
		return;
	give_up(a);
	end_child(a);
	free(a);
}

const unsigned char *
auth_public_key(const struct auth *a)
{
	return a->public_key;
}

const unsigned char *
auth_sealing_key(const struct auth *a)
{
	return a->sealing_key;
}

const unsigned char *
auth_audit_key(const struct auth *a)
{
	return a->audit_key;
}

bool
auth_has_gone(const struct auth *a)
{
	return a->gone;
}

pid_t
auth_pid(const struct auth *a)
{
	return a->pid;
}

int
auth_fd(const struct auth *a)
{
	return a->fd;
}

static size_t
free_place(const struct auth *a)
{
	size_t i = 0;

	while (i < AUTH_QUEUE_MAX && a->pending[i].done != NULL)
		i++;
	return i;
}

/* The lengths have been checked. Gathered by the kernel from where the strings are: a copy
 * made here would leave its traces in this process, in vector registers if not in memory. */
static ssize_t
send_request(int fd, struct auth_request *head, struct str first, struct str second)
{
	struct iovec parts[] = {
	    {head, offsetof(struct auth_request, data)},
	    {(void *)(uintptr_t)first.p, first.n},
	    {(void *)(uintptr_t)second.p, second.n},
	};
	const struct msghdr m = {.msg_iov = parts, .msg_iovlen = 3};

	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int
request(struct auth *a, enum auth_op op, struct str first, struct str second, auth_done_fn *done,
    void *arg)
{
	size_t place = free_place(a);
	struct auth_request r;

	if (a->gone || place == AUTH_QUEUE_MAX)
		return -1;
	r.op = op;
	r.id = a->turn++ * AUTH_QUEUE_MAX + (uint32_t)place;
	r.first = (uint32_t)first.n;
	r.second = (uint32_t)second.n;
	/* All of a message goes or nothing of it. */
	if (send_request(a->fd, &r, first, second) < 0)
		return -1;
	a->pending[place] = (struct pending){done, arg, r.id, op};
	return 0;
}

int
auth_hash(struct auth *a, struct str password, auth_done_fn *done, void *arg)
{
	if (password.n > AUTH_PASSWORD_MAX)
		return -1;
	return request(a, AUTH_OP_HASH, password, (struct str){"", 0}, done, arg);
}

int
auth_verify(struct auth *a, struct str password, struct str hash, auth_done_fn *done, void *arg)
{
	/* No hash was ever made of such a password, and an empty hash matches none. */
	if (password.n > AUTH_PASSWORD_MAX || hash.n > AUTH_HASH_MAX)
		password.n = hash.n = 0;
	return request(a, AUTH_OP_VERIFY, password, hash, done, arg);
}

int
auth_sign(struct auth *a, struct str payload, auth_done_fn *done, void *arg)
{
	if (payload.n > AUTH_PAYLOAD_MAX)
		return -1;
	return request(a, AUTH_OP_SIGN, payload, (struct str){"", 0}, done, arg);
}

int
auth_seal_audit(struct auth *a, struct str payload, auth_done_fn *done, void *arg)
{
	if (payload.n > AUTH_PAYLOAD_MAX)
		return -1;
	return request(a, AUTH_OP_SEAL, payload, (struct str){"", 0}, done, arg);
}

int
auth_open(struct auth *a, struct str box, struct str user, auth_done_fn *done, void *arg)
{
	/* Nothing was ever sealed like that, and an empty box does not open. */
	if (box.n > SEAL_BOX_MAX || user.n > AUTH_USER_MAX)
		box.n = user.n = 0;
	return request(a, AUTH_OP_OPEN, box, user, done, arg);
}

/* The length a reply must have, given its success. */
static bool
result_fits(enum auth_op op, const struct auth_reply *r)
{
	if (!r->ok || op == AUTH_OP_VERIFY)
		return r->n == 0;
	if (op == AUTH_OP_OPEN)
		return r->n <= AUTH_SIP_PASSWORD_MAX;
	return op == AUTH_OP_SIGN || op == AUTH_OP_SEAL ? r->n == AUTH_SIGNATURE_LEN
	                                                : r->n > 0 && r->n <= AUTH_HASH_MAX;
}

static int
take_reply(struct auth *a, const struct auth_reply *r, ssize_t n)
{
	struct pending *p;

	if (!reply_fits(r, n))
		return -1;
	p = &a->pending[r->id % AUTH_QUEUE_MAX];
	if (p->done == NULL || p->id != r->id || !result_fits(p->op, r))
		return -1;
	finish(p, r->ok != 0, (struct str){r->data, r->n});
	return 0;
}

int
auth_read(struct auth *a)
{
	/* Bounded: callbacks that make new requests must not keep the loop here. */
	for (int i = 0; i < AUTH_QUEUE_MAX && !a->gone; i++) {
		struct auth_reply r;
		ssize_t n = recv(a->fd, &r, sizeof(r), MSG_TRUNC | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0 || take_reply(a, &r, n) != 0)
			give_up(a);
		/* A password may have been in it. */
		explicit_bzero(&r, sizeof(r));
	}
	return a->gone ? -1 : 0;
}

int
auth_signature_ok(const unsigned char public_key[AUTH_PUBLIC_KEY_LEN], struct str payload,
    const unsigned char sig[AUTH_SIGNATURE_LEN])
{
	const struct str domain = AUTH_SIGN_DOMAIN;
	unsigned char text[sizeof("tandem-cap-1") + AUTH_PAYLOAD_MAX];

	if (payload.n > AUTH_PAYLOAD_MAX)
		return 0;
	memcpy(text, domain.p, domain.n);
	if (payload.n > 0)
		memcpy(text + domain.n, payload.p, payload.n);
	return crypto_sign_verify_detached(sig, text, domain.n + payload.n, public_key) == 0;
}
