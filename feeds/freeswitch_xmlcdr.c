/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_xmlcdr.h"

#include <string.h>

#include "common/tree.h"
#include "feeds/freeswitch_call.h"

/* What an event has as headers stands in elements here. */
struct place {
	const char *element, *header;
};

static int
add(struct fs_pairs *p, const struct node *n, const struct place *v, struct arena *a, struct err *e)
{
	for (; n != NULL && v->element != NULL; v++) {
		const struct node *c = node_get(n, str_c(v->element));
		struct str value = c != NULL ? str_trim(c->text) : (struct str){"", 0};

		if (value.n > 0 && fs_pairs_add(p, str_c(v->header), value, a, e) != 0)
			return -1;
	}
	return 0;
}

static int
variables(struct fs_pairs *p, const struct node *n, struct arena *a, struct err *e)
{
	for (const struct node *c = n->first; c != NULL; c = c->next) {
		struct str name = arena_printf(a, "variable_%.*s", (int)c->name.n, c->name.p);
		struct str value = fs_unescape(str_trim(c->text), a);

		if (name.p == NULL || value.p == NULL)
			return err_set(e, ERR_TOO_LARGE, NULL);
		if (fs_pairs_add(p, name, value, a, e) != 0)
			return -1;
	}
	return 0;
}

/* A transfer begins a callflow before the older ones: the last one is how the call came. */
static const struct node *
first_callflow(const struct node *doc)
{
	const struct node *found = NULL;

	for (const struct node *c = doc->first; c != NULL; c = c->next)
		if (str_eqc(c->name, "callflow"))
			found = c;
	return found;
}

int
fs_xmlcdr_pairs(struct fs_pairs *ret, struct str text, struct arena *a, struct err *e)
{
	static const struct place channel[] = {{"direction", "Call-Direction"}, {NULL, NULL}};
	static const struct place profile[] = {{"caller_id_name", "Caller-Caller-ID-Name"},
	    {"caller_id_number", "Caller-Caller-ID-Number"},
	    {"destination_number", "Caller-Destination-Number"}, {NULL, NULL}};
	static const struct place times[] = {{"created_time", "Caller-Channel-Created-Time"},
	    {"answered_time", "Caller-Channel-Answered-Time"},
	    {"bridged_time", "Caller-Channel-Bridged-Time"}, {NULL, NULL}};
	const struct node *vars, *flow, *n;
	struct node *doc;

	*ret = (struct fs_pairs){.body = {"", 0}};
	if (xml_read(text, a, &doc, e) != 0)
		return -1;
	if (!str_eqc(doc->name, "cdr") || (vars = node_get(doc, STR_LIT("variables"))) == NULL)
		return err_set(e, ERR_MALFORMED, "the document is no call record");
	if (variables(ret, vars, a, e) != 0 ||
	    add(ret, node_get(doc, STR_LIT("channel_data")), channel, a, e) != 0 ||
	    fs_pairs_add(ret, STR_LIT("Unique-ID"), fs_get(ret, "variable_uuid"), a, e) != 0)
		return -1;
	flow = first_callflow(doc);
	n = flow != NULL ? node_get(flow, STR_LIT("caller_profile")) : NULL;
	if (n != NULL && add(ret, n, profile, a, e) != 0)
		return -1;
	n = flow != NULL ? node_get(flow, STR_LIT("times")) : NULL;
	return n != NULL ? add(ret, n, times, a, e) : 0;
}

int
fs_xmlcdr_read(struct cdr *ret, struct str text, const char *domain, struct arena *a, struct err *e)
{
	struct fs_pairs p;

	if (fs_xmlcdr_pairs(&p, text, a, e) != 0)
		return -1;
	return fs_cdr_read(ret, &p, domain, a, e);
}
