/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeds/freeswitch_call.h"
#include "feeds/freeswitch_conference.h"

/* Once the caller is known it stays: numbers turn round, and transfers change where it leads. */
static void
keep_parties(struct live_call *now, const struct live_call *old)
{
	if (!REC_HAS(old, live_call, caller))
		return;
	REC_SET(now, live_call, caller, old->caller);
	REC_SET(now, live_call, callee, old->callee);
	REC_SET(now, live_call, started, old->started);
	if (REC_HAS(old, live_call, caller_aor))
		REC_SET(now, live_call, caller_aor, old->caller_aor);
	else
		REC_UNSET(now, live_call, caller_aor);
	if (REC_HAS(old, live_call, callee_aor))
		REC_SET(now, live_call, callee_aor, old->callee_aor);
	if (REC_HAS(old, live_call, internal))
		REC_SET(now, live_call, internal, old->internal);
	if (!REC_HAS(now, live_call, type) && REC_HAS(old, live_call, type))
		REC_SET(now, live_call, type, old->type);
	if (!REC_HAS(now, live_call, recipient) && REC_HAS(old, live_call, recipient))
		REC_SET(now, live_call, recipient, old->recipient);
	if (!REC_HAS(now, live_call, answered) && REC_HAS(old, live_call, answered))
		REC_SET(now, live_call, answered, old->answered);
	if (now->state < old->state)
		now->state = old->state;
}

void
fs_leg_update(struct fs_state *s, struct fs_leg *l, const struct fs_pairs *p, int64_t time,
    const char *id, struct arena *a)
{
	struct live_call call;

	if (fs_call_read(&call, p, s->domain, a) != 0)
		return;
	keep_parties(&call, &l->call);
	fs_keep_call(&l->call, &call);
	fs_say_leg(s, l, time, id);
}

/* What a b-leg says of its a-leg's call: who is rung, or who has answered. */
static void
tell_a_leg(struct fs_state *s, const struct fs_pairs *p, struct str originator, bool answer,
    int64_t time, const char *id, struct arena *a)
{
	struct fs_leg *l = fs_find(&s->legs, originator, 0);
	struct str dialled = fs_dialled(p, s->domain, a), callee;
	bool local = fs_get(p, "variable_dialed_user").n > 0;

	if (l == NULL || l->thing.ended || l->a_leg != NULL || dialled.n == 0 ||
	    !REC_HAS(&l->call, live_call, caller))
		return;
	if (REC_HAS(&l->call, live_call, answered) && !answer)
		return;
	if (fs_get(p, "variable_" FS_C2C_ID).n > 0 && fs_get(p, "variable_" FS_C2C_TO).n == 0) {
		callee = arena_printf(a, "<sip:%.*s>", (int)dialled.n, dialled.p);
		fs_keep(&l->call.callee, callee);
	}
	fs_keep(&l->call.callee_aor, dialled);
	l->call.has |= REC_BIT(live_call, callee_aor);
	if (fs_get(p, "variable_sip_gateway_name").n > 0)
		REC_SET(&l->call, live_call, internal, false);
	else if (local && REC_HAS(&l->call, live_call, caller_aor))
		REC_SET(&l->call, live_call, internal, true);
	l->thing.touched = s->clock;
	fs_say_leg(s, l, time, id);
}

static void
leg_ended(struct fs_state *s, struct fs_leg *l, const struct fs_pairs *p, int64_t time,
    const char *id, struct arena *a)
{
	struct cdr record;
	struct err e = {0};

	if (s->out.cdr != NULL) {
		switch (fs_cdr_read(&record, p, s->domain, a, &e)) {
		case 1:
			/* The b-legs have said more than the a-leg knows. */
			if (l != NULL && REC_HAS(&l->call, live_call, callee_aor))
				REC_SET(&record, cdr, callee_aor, l->call.callee_aor);
			s->out.cdr(s->out.arg, &record);
			break;
		case 0:
			break;
		default:
			s->malformed++;
		}
	}
	if (l != NULL)
		fs_end_leg(s, l, time, id);
}

static void
on_channel(struct fs_state *s, const struct fs_pairs *p, struct str name, int64_t seq, int64_t time,
    const char *id, struct arena *a)
{
	struct str key = fs_get(p, "Unique-ID"), by = fs_originator(p);
	bool ended = str_eqc(name, "CHANNEL_HANGUP_COMPLETE");
	struct fs_leg *l = fs_find(&s->legs, key, 0);

	/* No channel's name is ever used again. */
	if (l != NULL && (fs_is_over(&l->thing) || seq <= l->thing.seq))
		return;
	if ((l == NULL || l->thing.ended) && (l = fs_make(&s->legs, key, 0)) == NULL)
		s->refused++;
	if (l != NULL) {
		l->thing.seq = seq;
		l->thing.touched = s->clock;
		/* A channel that was told as a call stays one, whatever is done with it later. */
		if (by.n > 0 && l->a_leg == NULL && !REC_HAS(&l->call, live_call, caller))
			l->a_leg = strndup(by.p, by.n);
	}
	if (ended) {
		leg_ended(s, l, p, time, id, a);
	} else if (l != NULL && l->a_leg != NULL) {
		tell_a_leg(s, p, str_c(l->a_leg), str_eqc(name, "CHANNEL_ANSWER"), time, id, a);
	} else if (l != NULL) {
		fs_leg_update(s, l, p, time, id, a);
	}
}

void
fs_event(struct fs_state *s, const struct fs_pairs *p, struct arena *a)
{
	struct str name = fs_get(p, "Event-Name"), core = fs_get(p, "Core-UUID");
	int64_t seq = fs_get_number(p, "Event-Sequence");
	int64_t time = fs_get_number(p, "Event-Date-Timestamp") / 1000;
	char id[FS_KEY_MAX + 32];

	if (name.n == 0 || seq == 0 || core.n == 0 || core.n > FS_KEY_MAX || !str_is_utf8(core)) {
		s->malformed++;
		return;
	}
	if (s->core[0] == '\0')
		memcpy(s->core, core.p, core.n), s->core[core.n] = '\0';
	if (!str_eqc(core, s->core)) {
		s->restarted = true;
		return;
	}
	s->clock++;
	snprintf(id, sizeof(id), "%s/%lld", s->core, (long long)seq);
	if (str_eqc(name, "CUSTOM")) {
		if (str_eqc(fs_get(p, "Event-Subclass"), "conference::maintenance"))
			fs_on_conference(s, p, seq, time, id, a);
	} else if (str_starts(name, "CHANNEL_")) {
		static const char *const known[] = {"CHANNEL_CREATE", "CHANNEL_PROGRESS",
		    "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE",
		    "CHANNEL_HANGUP_COMPLETE"};

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (str_eqc(name, known[i]))
				on_channel(s, p, name, seq, time, id, a);
	}
}
