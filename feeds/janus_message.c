/* SPDX-License-Identifier: ISC */
#include "feeds/janus_message.h"

#include <inttypes.h>

#include "common/sink.h"

static void
text_member(struct buf *out, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_printf(out, ",\"%s\":", name);
	json_text(out, value);
}

void
janus_write_body(struct buf *out, const struct janus_body *b)
{
	buf_printf(out, "{\"request\":\"%s\"", b->request);
	if (b->room != 0)
		buf_printf(out, ",\"room\":%" PRId64, b->room);
	if (b->id >= 0)
		buf_printf(out, ",\"id\":%" PRId64, b->id);
	if (b->flag != NULL)
		buf_printf(out, ",\"%s\":%s", b->flag, b->value ? "true" : "false");
	if (b->word != NULL) {
		buf_printf(out, ",\"%s\":", b->word);
		json_text(out, b->text);
	}
	text_member(out, "secret", b->secret);
	text_member(out, "admin_key", b->admin_key);
	buf_addc(out, '}');
}

void
janus_write(struct buf *out, const struct janus_to *to, const char *word, int64_t transaction,
    struct str body)
{
	buf_printf(out, "{\"janus\":\"%s\",\"transaction\":\"t%" PRId64 "\"", word, transaction);
	if (to->session != 0)
		buf_printf(out, ",\"session_id\":%" PRId64, to->session);
	if (to->handle != 0)
		buf_printf(out, ",\"handle_id\":%" PRId64, to->handle);
	if (to->session != 0 && to->handle == 0 && str_eqc(str_c(word), "attach"))
		buf_adds(out, ",\"plugin\":\"janus.plugin.audiobridge\"");
	text_member(out, "apisecret", to->api_secret);
	if (body.n != 0) {
		buf_adds(out, ",\"body\":");
		buf_addstr(out, body);
	}
	buf_addc(out, '}');
}

int64_t
janus_number(const struct node *n, const char *name, int64_t otherwise)
{
	const struct node *m = n != NULL ? node_get(n, str_c(name)) : NULL;

	return m != NULL && m->kind == NODE_INT ? m->i : otherwise;
}

bool
janus_flag(const struct node *n, const char *name, bool otherwise)
{
	const struct node *m = n != NULL ? node_get(n, str_c(name)) : NULL;

	return m != NULL && m->kind == NODE_BOOL ? m->i != 0 : otherwise;
}

struct str
janus_text(const struct node *n, const char *name)
{
	const struct node *m = n != NULL ? node_get(n, str_c(name)) : NULL;

	return m != NULL && m->kind == NODE_TEXT ? m->text : (struct str){"", 0};
}

static enum janus_word
word_of(struct str s)
{
	static const struct {
		const char *text;
		enum janus_word word;
	} words[] = {{"success", JANUS_SUCCESS}, {"error", JANUS_ERROR}, {"ack", JANUS_ACK},
	    {"event", JANUS_EVENT}, {"timeout", JANUS_TIMEOUT}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eqc(s, words[i].text))
			return words[i].word;
	return JANUS_OTHER;
}

/* Ours are a letter and a number. */
static int64_t
transaction_of(struct str s)
{
	int64_t n;

	return s.n > 1 && s.p[0] == 't' && str_to_i64((struct str){s.p + 1, s.n - 1}, &n) && n > 0 ? n
	                                                                                           : 0;
}

int
janus_read(struct str text, struct arena *a, struct janus_answer *ret, struct err *e)
{
	struct node *root, *part;

	*ret = (struct janus_answer){.text = {"", 0}};
	if (json_read(text, a, &root, e) != 0)
		return -1;
	if (root->kind != NODE_MAP || janus_text(root, "janus").n == 0)
		return err_set(e, ERR_MALFORMED, "not a message of Janus");
	ret->word = word_of(janus_text(root, "janus"));
	ret->transaction = transaction_of(janus_text(root, "transaction"));
	ret->session = janus_number(root, "session_id", 0);
	part = node_get(root, STR_LIT("data"));
	ret->id = janus_number(part, "id", 0);
	part = node_get(root, STR_LIT("plugindata"));
	if (part != NULL && part->kind == NODE_MAP &&
	    str_eqc(janus_text(part, "plugin"), "janus.plugin.audiobridge"))
		part = node_get(part, STR_LIT("data"));
	else
		part = NULL;
	ret->data = part != NULL && part->kind == NODE_MAP ? part : NULL;
	ret->code = janus_number(ret->data, "error_code", 0);
	ret->text = janus_text(ret->data, "error");
	if (ret->word == JANUS_ERROR) {
		part = node_get(root, STR_LIT("error"));
		ret->code = janus_number(part, "code", 0);
		ret->text = janus_text(part, "reason");
		if (ret->code == 0)
			ret->code = -1;
	}
	return 0;
}

enum err_code
janus_error(int64_t code)
{
	switch (code) {
	case AUDIOBRIDGE_NO_ROOM:
	case AUDIOBRIDGE_NO_USER:
		return ERR_NOT_FOUND;
	case AUDIOBRIDGE_MISSING:
	case AUDIOBRIDGE_FORBIDDEN:
	case JANUS_UNAUTHORIZED:
		return ERR_FORBIDDEN;
	case AUDIOBRIDGE_INVALID:
		return ERR_INVALID;
	default:
		return ERR_UNAVAILABLE;
	}
}

/* The list under a name, and room for its items; NULL with *e. */
static void *
items(const struct node *data, const char *name, size_t max, size_t size, const struct node **first,
    struct arena *a, struct err *e)
{
	const struct node *list = data != NULL ? node_get(data, str_c(name)) : NULL;
	size_t n = 0;
	void *v;

	if (list == NULL || list->kind != NODE_LIST) {
		err_set(e, ERR_MALFORMED, "the answer has no %s", name);
		return NULL;
	}
	for (const struct node *m = list->first; m != NULL && n < max; m = m->next)
		n++;
	v = arena_array(a, n + 1, size);
	if (v == NULL)
		err_set(e, ERR_TOO_LARGE, NULL);
	*first = list->first;
	return v;
}

int
janus_rooms_read(
    const struct node *data, struct arena *a, struct janus_room **ret, size_t *n, struct err *e)
{
	const struct node *m;
	struct janus_room *v = items(data, "list", JANUS_ROOMS_MAX, sizeof(*v), &m, a, e);

	*ret = v;
	*n = 0;
	for (; v != NULL && m != NULL && *n < JANUS_ROOMS_MAX; m = m->next) {
		int64_t id = m->kind == NODE_MAP ? janus_number(m, "room", 0) : 0;

		if (id <= 0)
			continue;
		v[(*n)++] = (struct janus_room){id, janus_text(m, "description"),
		    janus_flag(m, "muted", false), janus_flag(m, "record", false),
		    janus_number(m, "num_participants", 0), janus_flag(m, "pin_required", false)};
	}
	return v != NULL ? 0 : -1;
}

int
janus_people_read(
    const struct node *data, struct arena *a, struct janus_person **ret, size_t *n, struct err *e)
{
	const struct node *m;
	struct janus_person *v = items(data, "participants", JANUS_MEMBERS_MAX, sizeof(*v), &m, a, e);

	*ret = v;
	*n = 0;
	for (; v != NULL && m != NULL && *n < JANUS_MEMBERS_MAX; m = m->next) {
		int64_t id = m->kind == NODE_MAP ? janus_number(m, "id", -1) : -1;

		if (id < 0)
			continue;
		v[(*n)++] = (struct janus_person){id, janus_text(m, "display"),
		    janus_flag(m, "muted", false), janus_flag(m, "talking", false)};
	}
	return v != NULL ? 0 : -1;
}
