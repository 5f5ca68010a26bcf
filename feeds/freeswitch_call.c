/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_call.h"

#include <string.h>

/* ESCAPED_MAX: two of them and an @ are an address, which a record has 512 bytes for. */
enum { USER_MAX = 128, HOST_MAX = 128, ESCAPED_MAX = 255, NAME_MAX_ = 128, ID_MAX = 255 };

struct str
fs_text(struct str s, size_t max, struct arena *a)
{
	char *p;

	if (s.n > max)
		/* Not in the middle of a character. */
		for (s.n = max; s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80;)
			s.n--;
	if ((p = arena_alloc(a, s.n + 1)) == NULL)
		return (struct str){"", 0};
	for (size_t i = 0; i < s.n; i++)
		p[i] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : s.p[i];
	if (!str_is_utf8((struct str){p, s.n}))
		for (size_t i = 0; i < s.n; i++)
			if ((unsigned char)p[i] >= 0x80)
				p[i] = '?';
	return (struct str){p, s.n};
}

/* Characters that would be read as something else in an address are escaped (RFC 3261, 25.1). */
static struct str
escaped(struct str s, const char *extra, size_t max, struct arena *a)
{
	static const char hex[] = "0123456789ABCDEF";
	char *p;
	size_t n = 0;

	if (s.n > max)
		s.n = max;
	if ((p = arena_alloc(a, s.n * 3 + 1)) == NULL)
		return (struct str){"", 0};
	for (size_t i = 0; i < s.n && n + 3 <= ESCAPED_MAX; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c != '\0' && strchr(extra, c) != NULL)) {
			p[n++] = (char)c;
		} else {
			p[n++] = '%';
			p[n++] = hex[c >> 4];
			p[n++] = hex[c & 15];
		}
	}
	return (struct str){p, n};
}

static struct str
user_part(struct str s, struct arena *a)
{
	return escaped(s, "-_.!~*'()&=+$?/#", USER_MAX, a);
}

static struct str
without_port(struct str host)
{
	const char *colon = host.n > 0 ? memrchr(host.p, ':', host.n) : NULL;
	const char *bracket = host.n > 0 ? memrchr(host.p, ']', host.n) : NULL;

	if (colon == NULL || (bracket != NULL && bracket > colon))
		return host;
	/* Several colons and no bracket: an IPv6 address. */
	if (bracket == NULL && memchr(host.p, ':', (size_t)(colon - host.p)) != NULL)
		return host;
	return (struct str){host.p, (size_t)(colon - host.p)};
}

static bool
is_own(struct str host, const struct fs_pairs *p)
{
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct str){host.p + 1, host.n - 2};
	return str_eq(host, fs_get(p, "FreeSWITCH-IPv4")) ||
	    str_eq(host, fs_get(p, "FreeSWITCH-IPv6")) ||
	    str_eq(host, fs_get(p, "variable_sip_local_network_addr"));
}

/* user@host. The switch's own address stands for the domain that it serves. */
static struct str
address(
    struct str user, struct str host, const struct fs_pairs *p, const char *domain, struct arena *a)
{
	host = without_port(host);
	if (user.n == 0)
		return (struct str){"", 0};
	user = user_part(user, a);
	if (domain[0] != '\0' && (host.n == 0 || is_own(host, p)))
		host = str_c(domain);
	else
		host = escaped(host, "-._:[]", HOST_MAX, a);
	if (host.n == 0)
		return user;
	return arena_printf(a, "%.*s@%.*s", (int)user.n, user.p, (int)host.n, host.p);
}

/* The same of a URI without its scheme, as the switch has them in variables. */
static struct str
address_of_uri(struct str uri, const struct fs_pairs *p, const char *domain, struct arena *a)
{
	const char *at;

	if (str_starts(uri, "sip:"))
		uri = (struct str){uri.p + 4, uri.n - 4};
	at = uri.n > 0 ? memrchr(uri.p, '@', uri.n) : NULL;
	if (at == NULL)
		return (struct str){"", 0};
	return address((struct str){uri.p, (size_t)(at - uri.p)},
	    (struct str){at + 1, uri.n - (size_t)(at - uri.p) - 1}, p, domain, a);
}

/* "name" <sip:address> */
static struct str
name_addr(struct str name, struct str number, struct str addr, struct arena *a)
{
	char quoted[2 * NAME_MAX_ + 1];
	size_t n = 0;

	if (addr.n == 0)
		return (struct str){"", 0};
	name = fs_text(str_trim(name), NAME_MAX_, a);
	if (name.n == 0 || str_eq(name, number))
		return arena_printf(a, "<sip:%.*s>", (int)addr.n, addr.p);
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			quoted[n++] = '\\';
		quoted[n++] = name.p[i];
	}
	return arena_printf(a, "\"%.*s\" <sip:%.*s>", (int)n, quoted, (int)addr.n, addr.p);
}

static struct str
first_of(const struct fs_pairs *p, const char *const *names)
{
	struct str s = {"", 0};

	for (; *names != NULL && s.n == 0; names++)
		s = fs_get(p, *names);
	return s;
}

static bool
is_inbound(const struct fs_pairs *p)
{
	return str_eqc(fs_get(p, "Call-Direction"), "inbound");
}

struct str
fs_originator(const struct fs_pairs *p)
{
	struct str by = fs_get(p, "variable_originator");

	if (is_inbound(p))
		return (struct str){"", 0};
	if (by.n == 0 && str_eqc(fs_get(p, "Other-Type"), "originator"))
		by = fs_get(p, "Other-Leg-Unique-ID");
	return by;
}

static bool
is_click_to_call(const struct fs_pairs *p)
{
	return fs_get(p, "variable_" FS_C2C_ID).n > 0;
}

/* Where the channel leads. */
static struct str
destination(const struct fs_pairs *p, const char *domain, struct arena *a)
{
	struct str user = fs_get(p, "Caller-Destination-Number");
	struct str host = fs_get(p, "variable_sip_req_host"), uri = fs_get(p, "variable_sip_req_uri");
	const char *at = uri.n > 0 ? memrchr(uri.p, '@', uri.n) : NULL;

	if (host.n == 0 && at != NULL)
		host = (struct str){at + 1, uri.n - (size_t)(at - uri.p) - 1};
	return address(user, host, p, domain, a);
}

struct str
fs_dialled(const struct fs_pairs *p, const char *domain, struct arena *a)
{
	struct str user = fs_get(p, "variable_dialed_user");

	return user.n > 0 ? address(user, fs_get(p, "variable_dialed_domain"), p, domain, a)
	                  : destination(p, domain, a);
}

struct str
fs_recipient(const struct fs_pairs *p, struct arena *a)
{
	static const char *const names[] = {"Other-Leg-Destination-Number", "variable_dialed_user",
	    "variable_last_sent_callee_id_number", NULL};
	static const char *const room[] = {"variable_conference_name", NULL};

	if (str_eqc(fs_get(p, "Other-Type"), "originator"))
		return (struct str){"", 0};
	return fs_text(
	    first_of(p, fs_get(p, "variable_conference_uuid").n > 0 ? room : names), USER_MAX, a);
}

struct parties {
	struct str caller, caller_aor, callee, callee_aor;
};

/* The switch calls the first party in the name of nobody, and the second for it. */
static void
parties_clicked(struct parties *ret, const struct fs_pairs *p, const char *domain, struct arena *a)
{
	struct str from = address_of_uri(fs_get(p, "variable_" FS_C2C_FROM), p, domain, a);
	struct str to = address_of_uri(fs_get(p, "variable_" FS_C2C_TO), p, domain, a);

	if (from.n == 0)
		from = destination(p, domain, a);
	if (to.n == 0 && str_eqc(fs_get(p, "Other-Type"), "originatee"))
		to = address(fs_get(p, "Other-Leg-Destination-Number"), (struct str){"", 0}, p, domain, a);
	if (to.n == 0)
		to = from;
	ret->caller = name_addr((struct str){"", 0}, from, from, a);
	ret->callee = name_addr((struct str){"", 0}, to, to, a);
	ret->caller_aor = from;
	ret->callee_aor = to;
}

static void
parties(struct parties *ret, const struct fs_pairs *p, const char *domain, struct arena *a)
{
	/* Caller-Caller-ID-… turns round when an outgoing channel is answered. */
	static const char *const numbers[] = {
	    "Caller-Orig-Caller-ID-Number", "variable_sip_from_user", "Caller-Caller-ID-Number", NULL};
	static const char *const names[] = {
	    "Caller-Orig-Caller-ID-Name", "variable_sip_from_display", NULL};
	struct str number = first_of(p, numbers), user = fs_get(p, "variable_sip_auth_username");
	struct str from = {"", 0}, name = first_of(p, names);

	memset(ret, 0, sizeof(*ret));
	if (is_click_to_call(p)) {
		parties_clicked(ret, p, domain, a);
		return;
	}
	if (is_inbound(p))
		from = address_of_uri(fs_get(p, "variable_sip_from_uri"), p, domain, a);
	if (from.n == 0)
		from = address(number, (struct str){"", 0}, p, domain, a);
	if (from.n == 0)
		from = address(STR_LIT("anonymous"), (struct str){"", 0}, p, domain, a);
	if (name.n == 0 && is_inbound(p))
		name = fs_get(p, "Caller-Caller-ID-Name");
	ret->caller = name_addr(name, number, from, a);
	if (is_inbound(p) && user.n > 0)
		ret->caller_aor = address(user, fs_get(p, "variable_sip_auth_realm"), p, domain, a);
	ret->callee_aor = destination(p, domain, a);
	if (is_inbound(p))
		ret->callee = address_of_uri(fs_get(p, "variable_sip_to_uri"), p, domain, a);
	if (ret->callee.n == 0)
		ret->callee = ret->callee_aor;
	if (ret->callee.n == 0)
		ret->callee = address(STR_LIT("unknown"), (struct str){"", 0}, p, domain, a);
	ret->callee = name_addr((struct str){"", 0}, ret->callee, ret->callee, a);
}

/* Whom the dialplan has connected, when the switch itself serves that address. Else a host may be
 * that of a phone's contact as well as that of a stranger, and the number that was dialled stays.
 */
static struct str
connected(const struct fs_pairs *p, const char *domain, struct arena *a)
{
	struct str channel = fs_get(p, "variable_bridge_channel");
	const char *slash = channel.n > 0 ? memrchr(channel.p, '/', channel.n) : NULL;
	const char *at = channel.n > 0 ? memrchr(channel.p, '@', channel.n) : NULL;
	struct str host;

	if (slash == NULL || at == NULL || at < slash || is_click_to_call(p))
		return (struct str){"", 0};
	host = without_port((struct str){at + 1, (size_t)(channel.p + channel.n - at - 1)});
	if (!is_own(host, p))
		return (struct str){"", 0};
	return address((struct str){slash + 1, (size_t)(at - slash - 1)}, host, p, domain, a);
}

static struct str
type_of(const struct fs_pairs *p)
{
	if (is_click_to_call(p))
		return STR_LIT("click2call");
	if (fs_get(p, "variable_conference_uuid").n > 0)
		return STR_LIT("conference");
	return (struct str){"", 0};
}

static int64_t
started_us(const struct fs_pairs *p)
{
	int64_t us = fs_get_number(p, "variable_start_uepoch");

	if (us == 0)
		us = fs_get_number(p, "Caller-Channel-Created-Time");
	return us > 0 ? us : fs_get_number(p, "Event-Date-Timestamp");
}

/* A click-to-call is answered when the second party is there. */
static int64_t
answered_us(const struct fs_pairs *p)
{
	int64_t us;

	if (is_click_to_call(p)) {
		us = fs_get_number(p, "variable_bridge_uepoch");
		return us > 0 ? us : fs_get_number(p, "Caller-Channel-Bridged-Time");
	}
	us = fs_get_number(p, "variable_answer_uepoch");
	return us > 0 ? us : fs_get_number(p, "Caller-Channel-Answered-Time");
}

static bool
is_ringing(const struct fs_pairs *p)
{
	return fs_get_number(p, "Caller-Channel-Progress-Time") > 0 ||
	    fs_get_number(p, "Caller-Channel-Progress-Media-Time") > 0;
}

int
fs_call_read(struct live_call *ret, const struct fs_pairs *p, const char *domain, struct arena *a)
{
	struct parties who;
	struct str s;

	memset(ret, 0, sizeof(*ret));
	parties(&who, p, domain, a);
	if (who.caller.n == 0 || who.callee.n == 0)
		return -1;
	REC_SET(ret, live_call, caller, who.caller);
	REC_SET(ret, live_call, callee, who.callee);
	if (who.caller_aor.n > 0)
		REC_SET(ret, live_call, caller_aor, who.caller_aor);
	if (who.callee_aor.n > 0)
		REC_SET(ret, live_call, callee_aor, who.callee_aor);
	if ((s = type_of(p)).n > 0)
		REC_SET(ret, live_call, type, s);
	REC_SET(ret, live_call, started, started_us(p) / 1000);
	REC_SET(ret, live_call, state, is_ringing(p) ? call_state_RINGING : call_state_STARTED);
	if (answered_us(p) > 0) {
		REC_SET(ret, live_call, answered, answered_us(p) / 1000);
		REC_SET(ret, live_call, state, call_state_ANSWERED);
		if ((s = fs_recipient(p, a)).n > 0)
			REC_SET(ret, live_call, recipient, s);
	}
	return 0;
}

/* The SIP status of a call that was not answered: the one that was seen, or the one that stands
 * for its cause (RFC 3398, section 7.2.4.1). */
static int
status_of(const struct fs_pairs *p)
{
	static const struct {
		int cause, status;
	} v[] = {{1, 404}, {2, 404}, {3, 404}, {16, 487}, {17, 486}, {18, 408}, {19, 480}, {20, 480},
	    {21, 403}, {22, 410}, {27, 502}, {28, 484}, {29, 501}, {31, 480}, {34, 503}, {38, 503},
	    {41, 503}, {42, 503}, {47, 503}, {55, 403}, {57, 403}, {58, 503}, {65, 488}, {79, 501},
	    {88, 503}, {102, 504}};
	int64_t seen = fs_get_number(p, "variable_sip_term_status");
	int64_t cause = fs_get_number(p, "variable_hangup_cause_q850");

	if (seen >= 300 && seen <= 699)
		return (int)seen;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i].cause == cause)
			return v[i].status;
	return 500;
}

static int
end_of(const struct fs_pairs *p, bool answered)
{
	struct str cause = fs_get(p, "variable_hangup_cause");

	if (cause.n == 0)
		cause = fs_get(p, "Hangup-Cause");
	if (str_eqc(cause, "BLIND_TRANSFER") || str_eqc(cause, "ATTENDED_TRANSFER"))
		return cdr_end_TRANSFERRED;
	if (answered)
		return cdr_end_COMPLETED;
	return str_eqc(cause, "ORIGINATOR_CANCEL") ||
	        str_eqc(fs_get(p, "variable_sip_hangup_disposition"), "recv_cancel")
	    ? cdr_end_ABANDONED
	    : cdr_end_FAILED;
}

int
fs_cdr_read(
    struct cdr *ret, const struct fs_pairs *p, const char *domain, struct arena *a, struct err *e)
{
	struct str id = fs_text(fs_get(p, "Unique-ID"), ID_MAX, a), s;
	int64_t start = started_us(p), answer = answered_us(p);
	int64_t end = fs_get_number(p, "variable_end_uepoch");
	struct parties who;

	memset(ret, 0, sizeof(*ret));
	if (fs_originator(p).n > 0)
		return 0;
	if (id.n == 0 || start == 0)
		return err_set(e, ERR_MALFORMED, "a call record has no id or no start");
	parties(&who, p, domain, a);
	if (who.caller.n == 0 || who.callee.n == 0)
		return err_set(e, ERR_TOO_LARGE, NULL);
	REC_SET(ret, cdr, id, id);
	REC_SET(ret, cdr, caller, who.caller);
	REC_SET(ret, cdr, callee, who.callee);
	if (who.caller_aor.n > 0)
		REC_SET(ret, cdr, caller_aor, who.caller_aor);
	if (answer > 0 && (s = connected(p, domain, a)).n > 0)
		who.callee_aor = s;
	if (who.callee_aor.n > 0)
		REC_SET(ret, cdr, callee_aor, who.callee_aor);
	if ((s = type_of(p)).n > 0)
		REC_SET(ret, cdr, type, s);
	REC_SET(ret, cdr, started, start / 1000);
	REC_SET(ret, cdr, end, end_of(p, answer > 0));
	REC_SET(ret, cdr, code, answer > 0 ? 200 : status_of(p));
	if (answer == 0)
		return 1;
	REC_SET(ret, cdr, answered, answer / 1000);
	/* variable_billsec is a difference of whole seconds; a clicked call's begins too early. */
	if (is_click_to_call(p))
		REC_SET(ret, cdr, duration, end > answer ? (end - answer) / 1000 : 0);
	else
		REC_SET(ret, cdr, duration, fs_get_number(p, "variable_billmsec"));
	if ((s = fs_recipient(p, a)).n > 0)
		REC_SET(ret, cdr, recipient, s);
	return 1;
}
