/* SPDX-License-Identifier: ISC */
#include "feeds/janus_event.h"

#include <string.h>

#include "common/checks.h"

enum { TYPE_PLUGIN = 64 };

static const struct {
	const char *name;
	enum janus_event_kind kind;
	bool who; /* is about a participant */
} kinds[] = {
    {"joined", JANUS_JOINED, true},
    {"left", JANUS_LEFT, true},
    {"mute", JANUS_MUTED, true},
    {"unmute", JANUS_UNMUTED, true},
    {"configured", JANUS_CONFIGURED, true},
    {"talking", JANUS_TALKING, true},
    {"stopped-talking", JANUS_SILENT, true},
    {"created", JANUS_ROOM, false},
    {"edited", JANUS_ROOM, false},
    {"mute_room", JANUS_ROOM, false},
    {"unmute_room", JANUS_ROOM, false},
    {"recordingdone", JANUS_ROOM, false},
    {"destroyed", JANUS_DESTROYED, false},
};

/* 1 = it matters, 0 = it does not, -1 = it is not of the right form. */
static int
read_one(const struct node *n, struct janus_event *ret)
{
	const struct node *event, *data;
	struct str name;

	if (n->kind != NODE_MAP || janus_number(n, "type", -1) < 0)
		return -1;
	if (janus_number(n, "type", -1) != TYPE_PLUGIN)
		return 0;
	event = node_get(n, STR_LIT("event"));
	if (event == NULL || event->kind != NODE_MAP)
		return -1;
	if (!str_eqc(janus_text(event, "plugin"), "janus.plugin.audiobridge"))
		return 0;
	data = node_get(event, STR_LIT("data"));
	if (data == NULL || data->kind != NODE_MAP)
		return -1;
	/* Who talks is told under another name than the rest. */
	name = janus_text(data, "event");
	if (name.n == 0)
		name = janus_text(data, "audiobridge");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!str_eqc(name, kinds[i].name))
			continue;
		*ret = (struct janus_event){.kind = kinds[i].kind,
		    .time = janus_number(n, "timestamp", 0),
		    .room = janus_number(data, "room", 0),
		    .who = {janus_number(data, "id", -1), janus_text(data, "display"),
		        janus_flag(data, "muted", false), kinds[i].kind == JANUS_TALKING}};
		if (ret->time < 0)
			ret->time = 0;
		return ret->room > 0 && (!kinds[i].who || ret->who.id >= 0) ? 1 : -1;
	}
	return 0;
}

int
janus_events_read(
    struct str body, struct arena *a, janus_event_fn *fn, void *arg, size_t *odd, struct err *e)
{
	struct node *root;
	struct janus_event ev;
	int count = 0;

	*odd = 0;
	if (json_read(body, a, &root, e) != 0)
		return -1;
	if (root->kind != NODE_MAP && root->kind != NODE_LIST)
		return err_set(e, ERR_MALFORMED, "neither an event nor a list of them");
	for (const struct node *n = root->kind == NODE_LIST ? root->first : root; n != NULL;
	     n = root->kind == NODE_LIST ? n->next : NULL) {
		int rc = read_one(n, &ev);

		if (rc < 0)
			++*odd;
		else
			count++;
		if (rc > 0)
			fn(arg, &ev);
	}
	return count;
}

void
janus_display(struct str display, char ret[JANUS_DISPLAY_MAX])
{
	size_t n = display.n < JANUS_DISPLAY_MAX ? display.n : JANUS_DISPLAY_MAX - 1;

	if (n < display.n)
		while (n > 0 && ((unsigned char)display.p[n] & 0xc0) == 0x80)
			n--;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)display.p[i];

		ret[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
	ret[n] = '\0';
}

void
janus_names(struct str display, struct str *number, struct str *name)
{
	const char *open;

	display = str_trim(display);
	*number = (struct str){"", 0};
	*name = display;
	if (display.n == 0)
		return;
	if (check_user_name(display) == NULL) {
		*number = display;
		return;
	}
	open = display.p[display.n - 1] == '>' ? memrchr(display.p, '<', display.n) : NULL;
	if (open == NULL)
		return;
	*number = (struct str){open + 1, (size_t)(display.p + display.n - 1 - (open + 1))};
	if (number->n == 0 || check_user_name(*number) != NULL) {
		*number = (struct str){"", 0};
		return;
	}
	*name = str_trim((struct str){display.p, (size_t)(open - display.p)});
	if (name->n == 0)
		*name = *number;
}

void
janus_member_fact(
    struct live_member *ret, int64_t id, struct str display, bool muted, int64_t joined)
{
	struct str number, name;

	*ret = (struct live_member){.has = 0};
	janus_names(display, &number, &name);
	REC_SET(ret, live_member, id, id);
	if (number.n != 0)
		REC_SET(ret, live_member, number, number);
	if (name.n != 0)
		REC_SET(ret, live_member, name, name);
	REC_SET(ret, live_member, muted, muted);
	if (joined > 0)
		REC_SET(ret, live_member, joined, joined);
	rec_defaults(&rec_live_member, ret);
}

void
janus_conference_fact(struct live_conference *ret, struct str room, bool recording, int64_t started)
{
	*ret = (struct live_conference){.has = 0};
	REC_SET(ret, live_conference, room, room);
	REC_SET(ret, live_conference, recording, recording);
	if (started > 0)
		REC_SET(ret, live_conference, started, started);
	rec_defaults(&rec_live_conference, ret);
}
