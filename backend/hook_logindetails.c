/* SPDX-License-Identifier: ISC */
/*
 * Login details: what the user's phone and messaging clients need. The SIP
 * password is stored sealed, so the answer is put together twice: first to find
 * the sealed text, then with what the auth child found in it.
 */
#include <sodium.h>

#include "backend/hooks.h"
#include "backend/revoked.h"

static int
no_memory(struct call *c)
{
	return err_set(c->m.e, ERR_TOO_LARGE, NULL);
}

/* Clients take the first one: the order spreads them over the hosts. */
static int
im_locations(struct call *c, const struct settings *s, struct login_details *d)
{
	size_t n = s->im_hosts.n;
	struct im_location *v = arena_array(c->m.a, n > 0 ? n : 1, sizeof(*v));

	if (v == NULL)
		return no_memory(c);
	for (size_t i = 0; i < n; i++)
		REC_SET(&v[i], im_location, fqdn, s->im_hosts.v[i]);
	for (size_t i = n; i > 1; i--) {
		size_t k = randombytes_uniform((uint32_t)i);
		struct im_location last = v[i - 1];

		v[i - 1] = v[k];
		v[k] = last;
	}
	d->im_locations = (struct im_location_list){v, n};
	d->has |= REC_BIT(login_details, im_locations);
	return 0;
}

static int
for_unite(struct call *c, const struct settings *s, struct login_details *d)
{
	/* This request's own; there is no other that could be read. */
	if (!c->masked && REC_HAS(c->req, request, cred))
		REC_SET(d, login_details, pin, c->req->cred.password);
	if (s->webrtc_gateways.n > 0)
		REC_SET(d, login_details, wrtc_locations, s->webrtc_gateways);
	return im_locations(c, s, d);
}

static int
load(struct call *c, void *obj)
{
	const struct user *u = &c->who->user;
	struct login_details *d = obj;
	struct settings s;

	if (model_settings(&c->m, &s) != 0)
		return -1;
	REC_SET(d, login_details, user_name, u->user_name);
	if (REC_HAS(u, user, im_id))
		REC_SET(d, login_details, im_id, u->im_id);
	REC_SET(d, login_details, ldap_im_auth, s.ldap_im_auth);
	if (!c->masked && !c->was_opened && REC_HAS(u, user, sip_password))
		c->open = u->sip_password;
	if (c->opened.n > 0)
		REC_SET(d, login_details, sip_password, c->opened);
	return c->res->number == RES_LOGINDETAILSUNITE ? for_unite(c, &s, d) : 0;
}

const struct hooks hooks_logindetails = {.load = load};

/* Ends the session of the token that it came with; passwords and keys have none. */
static int
logout(struct call *c)
{
	struct settings s;

	if (model_settings(&c->m, &s) != 0)
		return -1;
	c->location = REC_HAS(&s, settings, logout_url)
	    ? s.logout_url
	    : arena_printf(c->m.a, "https://%.*s/", (int)s.fqdn.n, s.fqdn.p);
	if (c->location.p == NULL)
		return no_memory(c);
	return c->who->token != 0 ? revoked_add(&c->m, c->who->id, c->who->token, c->now_ms) : 0;
}

const struct hooks hooks_logout = {.custom = logout, .get_writes = true, .ends_sessions = true};
