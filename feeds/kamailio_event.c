/* SPDX-License-Identifier: ISC */
#include "feeds/kamailio_event.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/tree.h"

enum { TEXT_MAX = 1024, COLUMNS = 16 };

/* Length of the UTF-8 character at p (RFC 3629), 0 when it is none. */
static size_t
character(const char *p, size_t n)
{
	size_t len = 1;

	while (len < 4 && len < n && ((unsigned char)p[len] & 0xc0) == 0x80)
		len++;
	for (; len > 0; len--)
		if (str_is_utf8((struct str){p, len}))
			return len;
	return 0;
}

void
kam_clean(char *text, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)text[i];
		size_t len = c >= 0x20 && c < 0x80 ? 1 : c < 0x20 ? 0 : character(text + i, n - i);

		if (len == 0) {
			text[i] = c < 0x20 ? ' ' : '?';
			len = 1;
		}
		i += len;
	}
}

/* What was in base64: text of at most TEXT_MAX characters. {NULL, 0} and 0 when it is absent. */
static int
decode(struct str in, struct str *ret, struct arena *a, struct err *e)
{
	size_t n = 0;
	char *out;

	*ret = (struct str){NULL, 0};
	if (in.n == 0 || str_eqc(in, "<null>") || str_eqc(in, "n/a"))
		return 0;
	if (in.n > TEXT_MAX * 2 || (out = arena_alloc(a, in.n + 1)) == NULL)
		return err_set(e, ERR_TOO_LARGE, "a text is too long");
	if (sodium_base642bin((unsigned char *)out, in.n, in.p, in.n, NULL, &n, NULL,
	        sodium_base64_VARIANT_ORIGINAL) != 0)
		return err_set(e, ERR_MALFORMED, "a text is not in base64");
	kam_clean(out, n);
	*ret = str_trim((struct str){out, n < TEXT_MAX ? n : TEXT_MAX});
	/* Without half a character at the cut. */
	while (ret->n > 0 && !str_is_utf8(*ret))
		ret->n--;
	return 0;
}

/* Without what stands behind the address: tag and other parameters of the header. A header that
 * could not be read has an address nevertheless, since there is a call. */
static struct str
address(struct str s, struct str none)
{
	const char *close = s.n > 0 ? memrchr(s.p, '>', s.n) : NULL;
	struct str head, rest;

	if (close != NULL)
		return (struct str){s.p, (size_t)(close + 1 - s.p)};
	str_cut(s, ';', &head, &rest);
	head = str_trim(head);
	return head.n > 0 ? head : none;
}

static int
number(struct str s, int64_t *ret, struct err *e)
{
	if (!str_to_i64(s, ret) || *ret < 0)
		return err_set(e, ERR_MALFORMED, "not a number");
	return 0;
}

/* What calls, lists and records have in common, still as the proxy wrote it. */
struct facts {
	struct str dlg, start, answer, internal, type, from, to, from_aor, to_aor, recipient;
};

/* "1441:4702": letters of it become part of a key. */
static bool
is_dialog(struct str s)
{
	size_t colons = 0;

	for (size_t i = 0; i < s.n; i++) {
		colons += s.p[i] == ':';
		if (s.p[i] != ':' && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	}
	return s.n >= 3 && s.n <= 32 && colons == 1;
}

static bool
is_label(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e)
			return false;
	return s.n > 0 && s.n <= 64 && !str_eqc(s, "<null>");
}

static int
parties(
    const struct facts *f, struct str *caller, struct str *callee, struct arena *a, struct err *e)
{
	if (decode(f->from, caller, a, e) != 0 || decode(f->to, callee, a, e) != 0)
		return -1;
	*caller = address(*caller, STR_LIT("<sip:anonymous@anonymous.invalid>"));
	*callee = address(*callee, STR_LIT("<sip:unknown@unknown.invalid>"));
	return 0;
}

static int
make_call(const struct facts *f, struct live_call *c, struct arena *a, struct err *e)
{
	struct str caller, callee, from_aor, to_aor, recipient;
	int64_t started, answered;

	memset(c, 0, sizeof(*c));
	if (parties(f, &caller, &callee, a, e) != 0 || decode(f->from_aor, &from_aor, a, e) != 0 ||
	    decode(f->to_aor, &to_aor, a, e) != 0 || decode(f->recipient, &recipient, a, e) != 0 ||
	    number(f->start, &started, e) != 0)
		return -1;
	REC_SET(c, live_call, caller, caller);
	REC_SET(c, live_call, callee, callee);
	if (from_aor.n > 0 && from_aor.n <= 512)
		REC_SET(c, live_call, caller_aor, from_aor);
	if (to_aor.n > 0 && to_aor.n <= 512)
		REC_SET(c, live_call, callee_aor, to_aor);
	if (recipient.n > 0 && recipient.n <= 255)
		REC_SET(c, live_call, recipient, recipient);
	if (is_label(f->type))
		REC_SET(c, live_call, type, f->type);
	if (str_eqc(f->internal, "1") || str_eqc(f->internal, "0"))
		REC_SET(c, live_call, internal, f->internal.p[0] == '1');
	REC_SET(c, live_call, started, started);
	REC_SET(c, live_call, state, call_state_STARTED);
	if (f->answer.n > 0 && str_to_i64(f->answer, &answered) && answered >= 0) {
		REC_SET(c, live_call, answered, answered);
		REC_SET(c, live_call, state, call_state_ANSWERED);
	}
	return 0;
}

static int
make_key(char key[KAM_KEY_MAX], const char *boot, struct str dlg, struct err *e)
{
	if (!is_dialog(dlg))
		return err_set(e, ERR_MALFORMED, "not the number of a dialog");
	snprintf(key, KAM_KEY_MAX, "%s/%.*s", boot, (int)dlg.n, dlg.p);
	return 0;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static struct str
text_of(const struct node *n, const char *name)
{
	const struct node *m = node_get(n, str_c(name));

	return m != NULL && m->kind == NODE_TEXT ? m->text : (struct str){"", 0};
}

/* "1795859581.450248" in milliseconds; 0 for what is no time. */
static int64_t
time_of(struct str s)
{
	struct str sec, part;
	int64_t t;

	str_cut(s, '.', &sec, &part);
	if (!str_to_i64(sec, &t) || t < 0 || t > INT64_MAX / 2000)
		return 0;
	t *= 1000;
	for (size_t i = 0, unit = 100; i < 3 && i < part.n; i++, unit /= 10)
		if (part.p[i] >= '0' && part.p[i] <= '9')
			t += (part.p[i] - '0') * (int64_t)unit;
	return t;
}

static struct facts
facts_of(const struct node *n)
{
	return (struct facts){.dlg = text_of(n, "dlg"),
	    .start = text_of(n, "start_ms"),
	    .answer = text_of(n, "answer_ms"),
	    .internal = text_of(n, "internal"),
	    .type = text_of(n, "type"),
	    .from = text_of(n, "from"),
	    .to = text_of(n, "to"),
	    .from_aor = text_of(n, "from_aor"),
	    .to_aor = text_of(n, "to_aor"),
	    .recipient = text_of(n, "recipient")};
}

int
kam_event_of(const struct node *n, struct arena *a, struct kam_event *ret, struct err *e)
{
	const struct node *seq = n->kind == NODE_MAP ? node_get(n, STR_LIT("seq")) : NULL;
	struct facts f;
	struct str ev, boot;

	memset(ret, 0, sizeof(*ret));
	if (seq == NULL || seq->kind != NODE_INT || seq->i < 1)
		return err_set(e, ERR_MALFORMED, "an event has no number");
	f = facts_of(n);
	ev = text_of(n, "ev");
	boot = text_of(n, "boot");
	if (boot.n == 0 || boot.n >= KAM_BOOT_MAX)
		return err_set(e, ERR_MALFORMED, "an event has no life of the proxy");
	memcpy(ret->boot, boot.p, boot.n);
	ret->seq = seq->i;
	ret->time = time_of(text_of(n, "ts"));
	if (make_key(ret->key, ret->boot, f.dlg, e) != 0)
		return -1;
	if (str_eqc(ev, "end") || str_eqc(ev, "failed")) {
		ret->over = true;
		return 0;
	}
	if (make_call(&f, &ret->call, a, e) != 0)
		return -1;
	if (str_eqc(ev, "start") || str_eqc(ev, "ringing")) {
		REC_UNSET(&ret->call, live_call, answered);
		ret->call.state = str_eqc(ev, "start") ? call_state_STARTED : call_state_RINGING;
	} else if (!str_eqc(ev, "answer")) {
		return err_set(e, ERR_MALFORMED, "an event of an unknown kind");
	}
	return 0;
}

int
kam_event_read(char *text, size_t n, struct arena *a, struct kam_event *ret, struct err *e)
{
	struct node *root;

	kam_clean(text, n);
	if (json_read((struct str){text, n}, a, &root, e) != 0)
		return -1;
	return kam_event_of(root, a, ret, e);
}

/* A variable of a listed dialog: a list of maps with one member each. */
static struct str
variable(const struct node *list, const char *name)
{
	const struct node *m = list != NULL && list->kind == NODE_LIST ? list->first : NULL;

	for (; m != NULL; m = m->next)
		if (m->kind == NODE_MAP && m->first != NULL && m->first->kind == NODE_TEXT &&
		    str_eqc(m->first->name, name))
			return m->first->text;
	return (struct str){"", 0};
}

int
kam_listed(
    const struct node *n, const char *boot, struct arena *a, struct kam_event *ret, struct err *e)
{
	const struct node *state = n->kind == NODE_MAP ? node_get(n, STR_LIT("state")) : NULL;
	const struct node *v = state != NULL ? node_get(n, STR_LIT("variables")) : NULL;
	struct facts f;

	memset(ret, 0, sizeof(*ret));
	if (state == NULL || state->kind != NODE_INT)
		return err_set(e, ERR_MALFORMED, "a dialog has no state");
	f = (struct facts){.dlg = variable(v, "tdlg"),
	    .start = variable(v, "tstart"),
	    .answer = variable(v, "tanswer"),
	    .internal = variable(v, "tint"),
	    .type = variable(v, "ttype"),
	    .from = variable(v, "tfrom"),
	    .to = variable(v, "tto"),
	    .from_aor = variable(v, "tfaor"),
	    .to_aor = variable(v, "ttaor"),
	    .recipient = variable(v, "trcpt")};
	/* 5: it has ended, and stays in the list for some seconds. */
	if (state->i == 5 || f.dlg.n == 0)
		return 0;
	if (make_key(ret->key, boot, f.dlg, e) != 0 || make_call(&f, &ret->call, a, e) != 0)
		return -1;
	if (ret->call.state != call_state_ANSWERED && variable(v, "trang").n > 0)
		ret->call.state = call_state_RINGING;
	return 1;
}

/* --- call records ------------------------------------------------------------------------------
 */

/* "0.999000" seconds in milliseconds. */
static int
duration(struct str s, int64_t *ret, struct err *e)
{
	struct str whole, part;
	int64_t sec;

	str_cut(s, '.', &whole, &part);
	if (number(whole, &sec, e) != 0 || sec > INT64_MAX / 2000 || part.n == 0)
		return err_set(e, ERR_MALFORMED, "not a duration");
	for (size_t i = 0; i < part.n; i++)
		if (part.p[i] < '0' || part.p[i] > '9')
			return err_set(e, ERR_MALFORMED, "not a duration");
	*ret = time_of(s);
	return 0;
}

static int
take_id(struct str dlg, struct str start, struct str callid, struct arena *a, struct cdr *ret,
    struct err *e)
{
	struct str name, id;

	if (!is_dialog(dlg) || start.n > 20)
		return err_set(e, ERR_MALFORMED, "not the number of a dialog");
	if (decode(callid, &name, a, e) != 0)
		return -1;
	/* The caller chose the last part, and could only make two of one's own calls one by it. */
	if (name.n > 400)
		name.n = 400;
	while (name.n > 0 && !str_is_utf8(name))
		name.n--;
	id = arena_printf(a, "%.*s/%.*s/%.*s", (int)start.n, start.p, (int)dlg.n, dlg.p, (int)name.n,
	    name.n > 0 ? name.p : "");
	if (id.p == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	REC_SET(ret, cdr, id, id);
	return 0;
}

int
kam_cdr_read(struct str line, struct arena *a, struct cdr *ret, struct err *e)
{
	struct str column[COLUMNS], rest = line;
	size_t n = 0;
	bool more = true;
	struct live_call c;
	struct facts f;
	int64_t talked = 0, code = 0;

	memset(ret, 0, sizeof(*ret));
	for (; more && n < COLUMNS; n++)
		more = str_cut(rest, '|', &column[n], &rest);
	if (n != COLUMNS || more || line.n > KAM_LINE_MAX || !str_is_utf8(line))
		return err_set(e, ERR_MALFORMED, "a line has not the columns of a call record");
	if (!str_eqc(column[3], "1"))
		return err_set(e, ERR_MALFORMED, "a line has another version");
	f = (struct facts){.dlg = column[4],
	    .start = column[5],
	    .answer = column[6],
	    .internal = column[8],
	    .type = column[9],
	    .from = column[11],
	    .to = column[12],
	    .from_aor = column[13],
	    .to_aor = column[14],
	    .recipient = column[15]};
	if (make_call(&f, &c, a, e) != 0 || duration(column[2], &talked, e) != 0 ||
	    take_id(f.dlg, f.start, column[10], a, ret, e) != 0)
		return -1;
	REC_SET(ret, cdr, caller, c.caller);
	REC_SET(ret, cdr, callee, c.callee);
	if (REC_HAS(&c, live_call, caller_aor))
		REC_SET(ret, cdr, caller_aor, c.caller_aor);
	if (REC_HAS(&c, live_call, callee_aor))
		REC_SET(ret, cdr, callee_aor, c.callee_aor);
	if (REC_HAS(&c, live_call, recipient))
		REC_SET(ret, cdr, recipient, c.recipient);
	if (REC_HAS(&c, live_call, type))
		REC_SET(ret, cdr, type, c.type);
	if (REC_HAS(&c, live_call, internal))
		REC_SET(ret, cdr, internal, c.internal);
	REC_SET(ret, cdr, started, c.started);
	if (str_to_i64(column[7], &code) && code >= 100 && code <= 999)
		REC_SET(ret, cdr, code, code);
	if (c.state == call_state_ANSWERED) {
		REC_SET(ret, cdr, answered, c.answered);
		REC_SET(ret, cdr, duration, talked);
		REC_SET(ret, cdr, end, cdr_end_COMPLETED);
	} else {
		REC_SET(ret, cdr, end,
		    code == 487       ? cdr_end_ABANDONED
		        : code >= 300 ? cdr_end_FAILED
		                      : cdr_end_UNKNOWN);
	}
	return 0;
}

/* --- commands -----------------------------------------------------------------------------------
 */

/* Nothing that separates anything in a SIP header, in JSON, or in a list of them. */
static bool
plain(struct str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        (c != '\0' && strchr(more, c) != NULL)))
			return false;
	}
	return s.n > 0;
}

bool
kam_target(struct str s, const char *domain, char *ret, size_t size)
{
	struct str user, host;
	int n;

	if (str_starts(s, "sip:"))
		s = (struct str){s.p + 4, s.n - 4};
	if (!str_cut(s, '@', &user, &host))
		host = str_c(domain);
	if (!plain(user, "-_.+*#~!") || !plain(host, "-.:") || user.n > 128 || host.n > 200)
		return false;
	n = snprintf(ret, size, "sip:%.*s@%.*s", (int)user.n, user.p, (int)host.n, host.p);
	return n > 0 && (size_t)n < size;
}
