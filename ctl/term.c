/* SPDX-License-Identifier: ISC */
#include "ctl/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void
on_signal(int sig)
{
	caught = sig;
}

static const int stopping[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
enum { STOPPING = sizeof(stopping) / sizeof(stopping[0]) };

/* Waits for input with the signals let through: one that comes just before is not missed. */
static bool
readable(const sigset_t *mask)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};

	while (caught == 0)
		if (ppoll(&fd, 1, NULL, mask) > 0)
			return true;
	return false;
}

/* Byte by byte: what stands behind the line is not ours, and stdio would keep a copy. `mask`:
 * signals blocked while waiting, NULL = as they are. */
static int
read_line(struct password *p, const sigset_t *mask, struct err *e)
{
	p->n = 0;
	for (;;) {
		char c;
		ssize_t r;

		if (!readable(mask))
			return err_set(e, ERR_INVALID, "interrupted");
		r = read(STDIN_FILENO, &c, 1);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_set(e, ERR_INVALID, "the password cannot be read: %s", strerror(errno));
		if (r == 0 || c == '\n')
			break;
		if (p->n == sizeof(p->bytes))
			return err_set(e, ERR_INVALID, "the password is too long");
		p->bytes[p->n++] = c;
	}
	if (p->n > 0 && p->bytes[p->n - 1] == '\r')
		p->n--;
	return 0;
}

int
term_password_line(struct password *p, struct err *e)
{
	return read_line(p, NULL, e);
}

static int
ask(struct password *p, const char *prompt, const char *user, const sigset_t *mask, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, 4096);
	buf_adds(&text, prompt);
	term_text(&text, str_c(user));
	buf_adds(&text, ": ");
	fwrite(text.p, 1, text.n, stderr);
	fflush(stderr);
	buf_free(&text);
	rc = read_line(p, mask, e);
	fputc('\n', stderr);
	return rc;
}

static int
ask_twice(struct password *p, const char *user, const sigset_t *mask, struct err *e)
{
	struct password again;
	int rc = ask(p, "New password for ", user, mask, e);

	if (rc == 0)
		rc = ask(&again, "The same again for ", user, mask, e);
	if (rc == 0 && !str_eq_secret((struct str){p->bytes, p->n}, (struct str){again.bytes, again.n}))
		rc = err_set(e, ERR_INVALID, "the two passwords differ");
	explicit_bzero(&again, sizeof(again));
	return rc;
}

/* A signal must not leave the terminal mute: it takes effect after the echo is back. */
int
term_password(struct password *p, const char *user, struct err *e)
{
	struct sigaction act = {.sa_handler = on_signal}, old[STOPPING];
	struct termios shown, mute;
	sigset_t block, mask;
	int rc;

	if (tcgetattr(STDIN_FILENO, &shown) != 0)
		return err_set(e, ERR_INVALID,
		    "standard input is no terminal to ask for a password (see --password-stdin)");
	caught = 0;
	sigemptyset(&block);
	for (size_t i = 0; i < STOPPING; i++)
		sigaddset(&block, stopping[i]);
	sigprocmask(SIG_BLOCK, &block, &mask);
	for (size_t i = 0; i < STOPPING; i++)
		sigaction(stopping[i], &act, &old[i]);
	mute = shown;
	mute.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	rc = tcsetattr(STDIN_FILENO, TCSAFLUSH, &mute) == 0
	    ? ask_twice(p, user, &mask, e)
	    : err_set(e, ERR_INVALID, "the echo cannot be switched off");
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	for (size_t i = 0; i < STOPPING; i++)
		sigaction(stopping[i], &old[i], NULL);
	if (caught != 0) {
		explicit_bzero(p, sizeof(*p));
		raise(caught);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	/* Stopped and continued: the typing is lost. */
	return caught != 0 ? err_set(e, ERR_INVALID, "interrupted") : rc;
}

/* Length of the UTF-8 character at the start, 0 when there is none. */
static size_t
character(struct str s, unsigned *cp)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	*cp = c;
	if (n == 1)
		return 1;
	if (n > s.n || !str_is_utf8((struct str){s.p, n}))
		return 0;
	*cp = c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*cp = *cp << 6 | ((unsigned char)s.p[i] & 0x3f);
	return n;
}

static bool
is_harmless(unsigned cp)
{
	return cp >= 0x20 && !(cp >= 0x7f && cp < 0xa0) && cp != 0x061c && cp != 0x200e &&
	    cp != 0x200f && !(cp >= 0x2028 && cp <= 0x202e) && !(cp >= 0x2066 && cp <= 0x2069);
}

/* How many characters a terminal will show for it. */
static size_t
add(struct buf *out, struct str s)
{
	size_t shown = 0;

	while (s.n > 0) {
		unsigned cp;
		size_t n = character(s, &cp);

		if (n == 0) {
			buf_printf(out, "\\x%02x", cp);
			shown += 4;
			n = 1;
		} else if (is_harmless(cp)) {
			buf_add(out, s.p, n);
			shown++;
		} else {
			buf_printf(out, "\\u%04x", cp);
			shown += 6;
		}
		s = (struct str){s.p + n, s.n - n};
	}
	return shown;
}

void
term_text(struct buf *out, struct str s)
{
	add(out, s);
}

void
term_cell(struct buf *out, struct str s, size_t width)
{
	for (size_t shown = add(out, s); shown < width; shown++)
		buf_addc(out, ' ');
}

const char *
term_time(int64_t s, char ret[TERM_TIME])
{
	time_t t = (time_t)s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900 ||
	    strftime(ret, TERM_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(ret, TERM_TIME, "?");
	return ret;
}
