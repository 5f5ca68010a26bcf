/* SPDX-License-Identifier: ISC */
/* The callers of the authorisation matrix and their credentials. */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/job.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/records.h"
#include "tests/authorisation.h"
#include "tests/hostile.h"

static const struct caller {
	const char *name;
	const char *login;    /* "user:password" */
	unsigned permissions; /* bits of enum permission_name, for who is known */
	bool token;
} callers[WHOS] = {
    [WHO_OWNER] = {"the owner", "4410:secret99", ~(1u << permission_name_SUPERADMIN), true},
    [WHO_OTHER] = {"another user", "4420:secret20",
        ~(1u << permission_name_SUPERADMIN | 1u << permission_name_VOICEMAIL), true},
    [WHO_BARE] = {"a user without permissions", "4430:secret30", 0, true},
    [WHO_ADMIN] = {"an administrator", "admin:secretadmin", ~0u, true},
    [WHO_ADMIN_SELF] = {"an administrator with a token for the own data", "admin:secretadmin",
        ~(1u << permission_name_SUPERADMIN), true},
    [WHO_NOBODY] = {"nobody", NULL, 0, false},
    [WHO_WRONG] = {"a wrong password", "4410:wrong", 0, false},
    [WHO_EXPIRED] = {"an expired token", "4410:secret99", 0, true},
    [WHO_REVOKED] = {"a revoked token", "4410:secret99", 0, true},
    [WHO_ENDED] = {"a token of sessions that were ended", "4410:secret99", 0, true},
    [WHO_DISABLED] = {"a disabled user", "4499:secret4499", 0, false},
    [WHO_DISABLED_TOKEN] = {"a token of a disabled user", "4499:secret4499", 0, true},
};

enum { TOKEN_MAX = 4096, EXPIRED_MS = 1500 };

static struct cap caps[WHOS];        /* of those who are known */
static char tokens[WHOS][TOKEN_MAX]; /* of those who are not any more */

const char *
who_name(enum asker w)
{
	return callers[w].name;
}

const char *
who_password(enum asker w)
{
	return callers[w].login != NULL ? strchr(callers[w].login, ':') + 1 : "no password";
}

bool
who_is_known(enum asker w)
{
	return w < WHO_NOBODY;
}

bool
who_has_token(enum asker w)
{
	return callers[w].token;
}

bool
who_has_permission(enum asker w, int permission)
{
	return who_is_known(w) && (callers[w].permissions >> permission & 1) != 0;
}

static int
status_of(struct rig *r, const struct ask *q)
{
	struct answer a = rig_ask(r, q);
	int status = a.status;

	answer_free(&a);
	return status;
}

static int
alive(struct rig *r, enum asker w)
{
	return status_of(r, &(struct ask){.path = "/my/keepalive", .bearer = tokens[w]});
}

/* Opens a session; its token is kept as text. */
static void
open_session(struct rig *r, enum asker w)
{
	struct answer a = rig_ask(r,
	    &(struct ask){
	        .method = "POST", .path = "/session", .user = callers[w].login, .accept = "*/*"});
	const char *from = strstr(a.body, "\"token\":\"");

	ck_assert_msg(a.status == 200 && from != NULL, "session of %s: %d", who_name(w), a.status);
	from += strlen("\"token\":\"");
	snprintf(tokens[w], TOKEN_MAX, "%.*s", (int)strcspn(from, "\""), from);
	answer_free(&a);
	ck_assert_int_eq(alive(r, w), 200);
}

/* What the session's token says, as the model of those that the matrix signs itself. */
static struct cap
read_session(enum asker w)
{
	char bytes[TOKEN_MAX];
	struct str payload;
	const unsigned char *sig;
	struct arena a;
	struct cap c;
	size_t n;

	arena_init(&a, 1 << 16);
	ck_assert_int_eq(
	    sodium_base642bin((unsigned char *)bytes, sizeof(bytes), tokens[w], strlen(tokens[w]), NULL,
	        &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
	    0);
	ck_assert_int_eq(cap_read((struct str){bytes, n}, &c, &payload, &sig, &a), 0);
	arena_free(&a);
	return c;
}

/* A token that the auth child could have signed a moment ago, good for so long. */
static void
sign(struct rig *r, struct cap c, int64_t life_ms, char ret[TOKEN_MAX])
{
	struct buf token, text;

	REC_SET(&c, cap, token, (int64_t)randombytes_random() + 1);
	/* A change of the password voids what was issued until the next millisecond. */
	REC_SET(&c, cap, issued, clock_wall_ms() + 2);
	REC_SET(&c, cap, expires, c.issued + life_ms);
	hostile_capability(r, &c, &token);
	buf_init(&text, TOKEN_MAX);
	cap_text(buf_str(&token), &text);
	snprintf(ret, TOKEN_MAX, "%.*s", (int)text.n, text.p);
	buf_free(&text);
	buf_free(&token);
}

static void
set_password(struct rig *r, const char *login)
{
	char line[64];

	snprintf(line, sizeof(line), "%s\n", strchr(login, ':') + 1);
	ck_assert_int_eq(rig_ctl(r, line, NULL, 0, "user password %.*s --password-stdin --allow-weak",
	                     (int)strcspn(login, ":"), login),
	    0);
}

/* The matrix's own user, and two of the fixture with passwords for their phones, which are looked
 * for in answers. A load forgets the hash of a user's password. */
static void
load_users(struct rig *r)
{
	struct buf lines;

	buf_init(&lines, 1 << 16);
	buf_adds(&lines, "{\"type\":\"user\",\"record\":{\"userName\":\"4430\",\"permissions\":[");
	for (size_t i = 0; i < enum_permission_name.n; i++)
		buf_printf(&lines, "%s{\"name\":\"%s\",\"enabled\":false}", i > 0 ? "," : "",
		    enum_permission_name.v[i].text);
	buf_adds(&lines,
	    "]}}\n"
	    "{\"type\":\"user\",\"record\":{\"userName\":\"4410\","
	    "\"sipPassword\":\"canary4410\"}}\n"
	    "{\"type\":\"user\",\"record\":{\"userName\":\"4420\","
	    "\"sipPassword\":\"canary4420\","
	    "\"permissions\":[{\"name\":\"voicemail\",\"enabled\":false}]}}\n");
	buf_addc(&lines, '\0');
	rig_load(r, lines.p);
	buf_free(&lines);
	for (enum asker w = WHO_OWNER; w <= WHO_BARE; w++)
		set_password(r, callers[w].login);
}

void
who_make(struct rig *r)
{
	load_users(r);
	ck_assert_int_eq(rig_ctl(r, NULL, NULL, 0, "user enable 4499"), 0);
	open_session(r, WHO_DISABLED_TOKEN);
	ck_assert_int_eq(rig_ctl(r, NULL, NULL, 0, "user disable 4499"), 0);

	open_session(r, WHO_ENDED);
	open_session(r, WHO_REVOKED);
	ck_assert_int_eq(
	    status_of(r,
	        &(struct ask){
	            .method = "DELETE", .path = "/session?all", .bearer = tokens[WHO_REVOKED]}),
	    200);
	open_session(r, WHO_REVOKED);
	ck_assert_int_eq(
	    status_of(r,
	        &(struct ask){.method = "DELETE", .path = "/session", .bearer = tokens[WHO_REVOKED]}),
	    200);

	for (enum asker w = 0; w < WHO_NOBODY; w++) {
		open_session(r, w);
		caps[w] = read_session(w);
	}
	ck_assert_int_eq(caps[WHO_ADMIN].scopes, SCOPE_SELF | SCOPE_ADMIN);
	ck_assert_int_eq(caps[WHO_OWNER].scopes, SCOPE_SELF);
	caps[WHO_ADMIN_SELF].scopes = SCOPE_SELF;

	/* Where the machine is busy it may be over before it is looked at. */
	for (int i = 0, status = 0; status != 200; i++) {
		ck_assert_int_lt(i, 5);
		sign(r, caps[WHO_OWNER], EXPIRED_MS, tokens[WHO_EXPIRED]);
		status = alive(r, WHO_EXPIRED);
	}
	usleep((EXPIRED_MS + 10) * 1000);
}

void
who_ask(struct rig *r, enum asker w, struct ask *q)
{
	if (who_is_known(w))
		sign(r, caps[w], 600000, tokens[w]);
	if (who_has_token(w))
		q->bearer = tokens[w];
	else
		q->user = callers[w].login;
}
