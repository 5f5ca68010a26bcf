/* SPDX-License-Identifier: ISC */
#include "backend/image.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/image_child.h"

enum {
	START_MS = 10000, /* how long the process may take until it is ready */
	STOP_MS = 2000    /* how long it may take to end by itself */
};

struct pending {
	image_done_fn *done; /* NULL = free */
	void *arg;
	struct str upload;
};

struct image {
	int fd; /* -1 = the process has gone */
	pid_t pid;
	struct image_slot *slots[IMAGE_AT_ONCE];
	struct pending at_work[IMAGE_AT_ONCE];
	struct pending waiting[IMAGE_QUEUE_MAX]; /* a ring */
	size_t first, count;
};

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

static int
make_slots(struct image *m, struct err *e)
{
	for (size_t i = 0; i < IMAGE_AT_ONCE; i++) {
		void *p = mmap(NULL, sizeof(struct image_slot), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return err_set(e, ERR_INTERNAL, "image process: memory: %s", strerror(errno));
		m->slots[i] = p;
	}
	return 0;
}

static void
free_all(struct image *m)
{
	for (size_t i = 0; i < IMAGE_AT_ONCE; i++)
		if (m->slots[i] != NULL)
			munmap(m->slots[i], sizeof(struct image_slot));
	free(m);
}

static int
start_child(struct image *m, const char *user, struct err *e)
{
	pid_t parent = getpid();
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return err_set(e, ERR_INTERNAL, "image process: socket: %s", strerror(errno));
	m->pid = fork();
	if (m->pid == 0)
		image_child_run(fds[1], parent, m->slots, user);
	close(fds[1]);
	m->fd = fds[0];
	if (m->pid < 0) {
		err_set(e, ERR_INTERNAL, "image process: fork: %s", strerror(errno));
		close(m->fd);
		m->fd = -1;
		return -1;
	}
	return 0;
}

static int
read_hello(struct image *m, struct err *e)
{
	struct image_reply r;

	if (!wait_readable(m->fd, START_MS))
		return err_set(e, ERR_INTERNAL, "image process: not ready in time");
	if (recv(m->fd, &r, sizeof(r), MSG_TRUNC | MSG_DONTWAIT) != (ssize_t)sizeof(r))
		return err_set(e, ERR_INTERNAL, "image process: ended at its start");
	if (r.result == IMAGE_DONE)
		return 0;
	return err_set(e, ERR_INTERNAL, "%.*s", ERR_TEXT_MAX - 1, r.text);
}

int
image_start(struct image **ret, const char *user, struct err *e)
{
	struct image *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return err_set(e, ERR_INTERNAL, "image process: no memory");
	m->fd = -1;
	if (make_slots(m, e) != 0 || start_child(m, user, e) != 0) {
		free_all(m);
		return -1;
	}
	if (read_hello(m, e) != 0) {
		image_stop(m);
		return -1;
	}
	*ret = m;
	return 0;
}

static void
finish(struct pending *p, enum image_result result, struct str png)
{
	image_done_fn *done = p->done;

	/* Free before the call: the callback may want the place for its next request. */
	p->done = NULL;
	done(p->arg, result, png);
}

/* The process answers the closed socket by ending, which closes its own end of it. */
static void
end_child(struct image *m)
{
	struct image_reply r;
	int fd = m->fd;

	/* Set first: callbacks cannot make new requests of a process that has gone. */
	m->fd = -1;
	shutdown(fd, SHUT_WR);
	do {
		/* As root it is another user's process, which may not be killed from here; it finds the
		 * socket closed when it runs again. */
		if (!wait_readable(fd, STOP_MS) && kill(m->pid, SIGKILL) != 0) {
			close(fd);
			return;
		}
	} while (recv(fd, &r, sizeof(r), MSG_DONTWAIT) > 0);
	close(fd);
	while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void
give_up(struct image *m)
{
	const struct str none = {"", 0};

	end_child(m);
	for (size_t i = 0; i < IMAGE_AT_ONCE; i++)
		if (m->at_work[i].done != NULL)
			finish(&m->at_work[i], IMAGE_NOT_NOW, none);
	for (; m->count > 0; m->count--) {
		struct pending *p = &m->waiting[m->first];

		m->first = (m->first + 1) % IMAGE_QUEUE_MAX;
		finish(p, IMAGE_NOT_NOW, none);
	}
}

void
image_stop(struct image *m)
{
	if (m == NULL)
		return;
	if (m->fd >= 0)
		give_up(m);
	free_all(m);
}

pid_t
image_pid(const struct image *m)
{
	return m->pid;
}

int
image_fd(const struct image *m)
{
	return m->fd;
}

static bool
start_one(struct image *m, size_t slot, const struct pending *p)
{
	const struct image_request r = {(uint32_t)slot, (uint32_t)p->upload.n};

	memcpy(m->slots[slot]->in, p->upload.p, p->upload.n);
	if (send(m->fd, &r, sizeof(r), MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(r))
		return false;
	m->at_work[slot] = *p;
	return true;
}

int
image_scale(struct image *m, struct str upload, image_done_fn *done, void *arg)
{
	const struct pending p = {done, arg, upload};
	size_t busy = 0;

	if (m->fd < 0 || upload.n > IMAGE_IN_MAX)
		return -1;
	for (size_t i = 0; i < IMAGE_AT_ONCE; i++) {
		if (m->at_work[i].done == NULL)
			return start_one(m, i, &p) ? 0 : -1;
		busy++;
	}
	if (busy + m->count >= IMAGE_QUEUE_MAX)
		return -1;
	m->waiting[(m->first + m->count++) % IMAGE_QUEUE_MAX] = p;
	return 0;
}

/* The slot is free and the next one may have it. False: the process does not take it. */
static bool
go_on(struct image *m, size_t slot)
{
	if (m->count == 0 || m->at_work[slot].done != NULL)
		return true;
	if (!start_one(m, slot, &m->waiting[m->first]))
		return false;
	m->first = (m->first + 1) % IMAGE_QUEUE_MAX;
	m->count--;
	return true;
}

static int
take_reply(struct image *m, const struct image_reply *r)
{
	static unsigned char png[IMAGE_OUT_MAX];
	struct str out = {"", 0};
	enum image_result result = (enum image_result)r->result;
	struct image_slot *s;

	if (r->slot >= IMAGE_AT_ONCE || r->result >= IMAGE_RESULTS || m->at_work[r->slot].done == NULL)
		return -1;
	s = m->slots[r->slot];
	if (result == IMAGE_DONE) {
		/* Read once: nobody has the memory any more, but nobody need be believed in that. */
		uint32_t n = *(volatile uint32_t *)&s->out_n;

		out = (struct str){(const char *)png, n <= IMAGE_OUT_MAX ? n : 0};
		memcpy(png, s->out, out.n);
		if (check_picture(out) != NULL) {
			result = IMAGE_BAD;
			out.n = 0;
		}
	}
	/* Gives the pages back; what comes next finds zeroes. */
	(void)madvise(s, sizeof(*s), MADV_REMOVE);
	finish(&m->at_work[r->slot], result, out);
	return go_on(m, r->slot) ? 0 : -1;
}

int
image_read(struct image *m)
{
	if (m->fd < 0)
		return 0;
	/* Bounded: callbacks that make new requests must not keep the loop here. */
	for (int i = 0; i < IMAGE_QUEUE_MAX; i++) {
		struct image_reply r;
		ssize_t n = recv(m->fd, &r, sizeof(r), MSG_TRUNC | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n != (ssize_t)sizeof(r) || take_reply(m, &r) != 0) {
			give_up(m);
			return -1;
		}
	}
	return 0;
}
