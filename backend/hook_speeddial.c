/* SPDX-License-Identifier: ISC */
/*
 * Speed dial: an own list of buttons, or that of a group. Who may not see others' state keeps the
 * lamps that were there, and gets no new ones.
 */
#include "backend/hooks.h"

#include <string.h>

#include "backend/events.h"

/* The caller's own name, unless the system lets users watch themselves. */
static int
self_is_hidden(struct call *c, bool *ret)
{
	struct settings s;

	if (model_settings(&c->m, &s) != 0)
		return -1;
	*ret = !s.self_subscription;
	return 0;
}

/* Who can be watched: 1 = anybody else or a full SIP address, 0 = not, -1. */
static int
can_be_watched(struct call *c, struct str number, bool hide_self)
{
	const char *at = memchr(number.p, '@', number.n);
	uint32_t id;
	int rc;

	if (at != NULL)
		return at != number.p && at != number.p + number.n - 1;
	if ((rc = model_name(&c->m, INDEX_LOGIN, number, &id)) == 1)
		return id != c->who->id || !hide_self;
	return rc < 0 ? -1 : model_name(&c->m, INDEX_ROOM, number, &id);
}

static bool
had_lamp(const struct speeddial *old, const struct button *b)
{
	for (size_t i = 0; i < old->buttons.n; i++) {
		const struct button *o = &old->buttons.v[i];

		if (str_eq(o->number, b->number) &&
		    REC_HAS(o, button, label) == REC_HAS(b, button, label) &&
		    (!REC_HAS(b, button, label) || str_eq(o->label, b->label)))
			return o->blf;
	}
	return false;
}

static int
check_lamps(struct call *c, struct speeddial *s)
{
	bool hide_self;

	if (self_is_hidden(c, &hide_self) != 0)
		return -1;
	for (size_t i = 0; i < s->buttons.n; i++) {
		const struct button *b = &s->buttons.v[i];
		int rc = b->blf ? can_be_watched(c, b->number, hide_self) : 1;

		if (rc < 0)
			return -1;
		if (rc == 0) {
			err_push(c->m.e, rec_speeddial.f[speeddial_F_buttons].tag);
			err_push(c->m.e, -1 - (int32_t)i);
			err_push(c->m.e, rec_button.f[button_F_number].tag);
			return err_set(c->m.e, ERR_INVALID,
			    "%.*s is not a valid extension to subscribe for presence", (int)b->number.n,
			    b->number.p);
		}
	}
	return 0;
}

static int
check(struct call *c, uint64_t id, const void *old, void *obj)
{
	struct speeddial *s = obj;
	int granted;

	(void)id;
	if (s->group_speed_dial)
		return 0;
	granted = model_permission(&c->m, &c->who->user, permission_name_SUBSCRIBE_PRESENCE);
	if (granted < 0)
		return -1;
	if (granted == 1)
		return check_lamps(c, s);
	for (size_t i = 0; i < s->buttons.n; i++)
		REC_SET(&s->buttons.v[i], button, blf, had_lamp(old, &s->buttons.v[i]));
	return 0;
}

static int
save(struct call *c, const void *obj)
{
	struct speeddial s = *(const struct speeddial *)obj;
	bool update = REC_HAS(&s, speeddial, update_phones) && s.update_phones;
	int rc;

	REC_UNSET(&s, speeddial, update_phones);
	if (s.group_speed_dial)
		rc = model_del(&c->m, &rec_speeddial, c->who->id, 0);
	else
		rc = model_put(&c->m, &rec_speeddial, c->who->id, 0, &s);
	if (rc < 0 || !update)
		return rc < 0 ? -1 : 0;
	return event_add(&c->m, device_event_kind_UPDATE_PHONES, c->who->user.user_name, c->now_ms);
}

/* The buttons of the last of the caller's groups that has any. */
static int
of_groups(struct call *c, struct speeddial *s)
{
	struct group_ref groups[GROUPS_MAX];
	size_t n;

	if (model_groups(&c->m, &c->who->user, groups, &n) != 0)
		return -1;
	while (n-- > 0) {
		struct speeddial g;

		if (model_get(&c->m, &rec_speeddial, groups[n].id, 0, &g) < 0)
			return -1;
		if (g.buttons.n > 0) {
			s->buttons = g.buttons;
			break;
		}
	}
	return 0;
}

/* What leads to oneself makes no sense on one's own phone; a lamp for somebody who has gone
 * would never light. */
static int
keep_usable(struct call *c, struct speeddial *s, bool is_group)
{
	bool hide_self;
	size_t kept = 0;

	if (self_is_hidden(c, &hide_self) != 0)
		return -1;
	for (size_t i = 0; i < s->buttons.n; i++) {
		struct button *b = &s->buttons.v[i];
		int rc = b->blf ? can_be_watched(c, b->number, false) : 1;

		if (rc < 0)
			return -1;
		if (rc == 0 || (is_group && hide_self && str_eq(b->number, c->who->user.user_name)))
			continue;
		s->buttons.v[kept++] = *b;
	}
	s->buttons.n = kept;
	return 0;
}

static int
name_buttons(struct call *c, struct speeddial *s)
{
	for (size_t i = 0; i < s->buttons.n; i++) {
		struct button *b = &s->buttons.v[i];
		struct str label = REC_HAS(b, button, label) ? b->label : STR_LIT("null");
		struct str name =
		    arena_printf(c->m.a, "%.*s=%.*s", (int)label.n, label.p, (int)b->number.n, b->number.p);

		if (name.p == NULL)
			return err_set(c->m.e, ERR_TOO_LARGE, NULL);
		REC_SET(b, button, name, name);
	}
	return 0;
}

static int
load(struct call *c, void *obj)
{
	struct speeddial *s = obj;
	int rc = model_get(&c->m, &rec_speeddial, c->who->id, 0, s);

	REC_SET(s, speeddial, group_speed_dial, rc == 0);
	s->has |= REC_BIT(speeddial, buttons);
	return rc < 0 ? -1 : 0;
}

static int
show(struct call *c, void *obj)
{
	struct speeddial *s = obj;
	int granted = model_permission(&c->m, &c->who->user, permission_name_SUBSCRIBE_PRESENCE);

	if (granted < 0 || (s->group_speed_dial && of_groups(c, s) != 0) ||
	    keep_usable(c, s, s->group_speed_dial) != 0 || name_buttons(c, s) != 0)
		return -1;
	REC_SET(s, speeddial, can_subscribe, granted == 1);
	return 0;
}

const struct hooks hooks_speeddial = {.load = load, .check = check, .save = save, .show = show};
