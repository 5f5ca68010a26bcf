/* SPDX-License-Identifier: ISC */
/*
 * Voicemail and the personal attendant. Who may not have them reads what is
 * there and stores nothing, without being told: portals send every form back.
 */
#include "backend/hooks.h"

#include <stdlib.h>

static int
lower(struct call *c, struct str *s)
{
	*s = arena_lower(c->m.a, *s);
	return s->p != NULL ? 0 : err_set(c->m.e, ERR_TOO_LARGE, NULL);
}

static int
vmprefs_check(struct call *c, uint64_t id, const void *old, void *obj)
{
	struct vmprefs *v = obj;

	(void)id;
	(void)old;
	return (REC_HAS(v, vmprefs, email) && lower(c, &v->email) != 0) ||
	        (REC_HAS(v, vmprefs, alt_email) && lower(c, &v->alt_email) != 0)
	    ? -1
	    : 0;
}

static int
vmprefs_granted(struct call *c)
{
	return model_permission(&c->m, &c->who->user, permission_name_VOICEMAIL);
}

/* What notification would say is kept while it is off, and not shown. */
static int
vmprefs_show(struct call *c, void *obj)
{
	struct vmprefs *v = obj;
	struct settings s;
	int granted = vmprefs_granted(c);

	if (granted < 0 || model_settings(&c->m, &s) != 0)
		return -1;
	REC_SET(v, vmprefs, permission, granted == 1);
	REC_SET(v, vmprefs, voicemail_format, s.audio_format);
	if (v->email_attach_type != notification_YES) {
		v->has &= ~(REC_BIT(vmprefs, email) | REC_BIT(vmprefs, email_format) |
		    REC_BIT(vmprefs, email_attach_type));
		v->email_audio = false;
	}
	if (v->alt_email_attach_type != notification_YES) {
		v->has &= ~(REC_BIT(vmprefs, alt_email) | REC_BIT(vmprefs, alt_email_format) |
		    REC_BIT(vmprefs, alt_email_attach_type));
		v->alt_email_audio = false;
	}
	return 0;
}

const struct hooks hooks_vmprefs = {
    .check = vmprefs_check, .granted = vmprefs_granted, .show = vmprefs_show};

static int
attendant_granted(struct call *c)
{
	return model_permission(&c->m, &c->who->user, permission_name_PERSONAL_ATTENDANT);
}

static int
attendant_show(struct call *c, void *obj)
{
	struct attendant *a = obj;
	int granted = attendant_granted(c);

	REC_SET(a, attendant, permission, granted == 1);
	return granted < 0 ? -1 : 0;
}

const struct hooks hooks_attendant = {.granted = attendant_granted, .show = attendant_show};

static int
by_name(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int
languages_load(struct call *c, void *obj)
{
	struct languages *l = obj;
	struct settings s;

	if (model_settings(&c->m, &s) != 0)
		return -1;
	if (s.prompt_languages.n > 1)
		qsort(s.prompt_languages.v, s.prompt_languages.n, sizeof(struct str), by_name);
	REC_SET(l, languages, languages, s.prompt_languages);
	return 0;
}

const struct hooks hooks_languages = {.load = languages_load};

static int
set_operator(struct call *c)
{
	struct attendant a;

	if (model_layered(&c->m, &rec_attendant, c->who->id, &c->who->user, &a) != 0)
		return -1;
	REC_SET(&a, attendant, operator, c->req->key);
	return rec_validate(&rec_attendant, &a, true, c->m.e) != 0 ||
	        model_layered_put(&c->m, &rec_attendant, c->who->id, &c->who->user, &a) != 0
	    ? -1
	    : 0;
}

/* Only the user's own goes: the groups' shows through again. */
static int
reset_operator(struct call *c)
{
	struct attendant own;

	if (model_get(&c->m, &rec_attendant, c->who->id, 0, &own) < 0)
		return -1;
	REC_UNSET(&own, attendant, operator);
	if (own.has == 0)
		return model_del(&c->m, &rec_attendant, c->who->id, 0) < 0 ? -1 : 0;
	return model_put(&c->m, &rec_attendant, c->who->id, 0, &own);
}

static int
operator(struct call *c)
{
	return c->res->number == RES_OPERATOR ? set_operator(c) : reset_operator(c);
}

const struct hooks hooks_operator = {.custom = operator};

/* Who changes is the caller; whose greeting it is, the path says. */
static int
set_greeting(struct call *c)
{
	struct user u;
	struct vmprefs v;
	uint32_t owner;
	int value;

	if (call_subject(c, c->req->key, &owner) != 0)
		return -1;
	if (!enum_value(&enum_greeting_id, c->req->key2, &value))
		return err_set(c->m.e, ERR_INVALID, "there is no such greeting");
	if (model_get(&c->m, &rec_user, owner, 0, &u) < 0 ||
	    model_layered(&c->m, &rec_vmprefs, owner, &u, &v) != 0)
		return -1;
	REC_SET(&v, vmprefs, greeting, value);
	return model_layered_put(&c->m, &rec_vmprefs, owner, &u, &v);
}

const struct hooks hooks_activegreeting = {.custom = set_greeting};
