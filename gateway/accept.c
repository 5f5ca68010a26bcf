/* SPDX-License-Identifier: ISC */
#include "gateway/accept.h"

#include <stddef.h>

enum { WEIGHT_MAX = 1000, WEIGHT_NONE = -1 };

/* How closely a media range names a type; the closest one decides. */
enum closeness { CLOSE_NOT, CLOSE_ANY, CLOSE_TYPE, CLOSE_EXACT };

struct offer {
	enum format format;
	const char *type, *subtype;
	bool by_wildcard; /* whether ranges with '*' mean it */
	enum closeness closeness;
	int weight;
};

static bool
is_token(struct str s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool known = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		for (const char *o = others; !known && *o != '\0'; o++)
			known = c == *o;
		if (!known)
			return false;
	}
	return s.n > 0;
}

/* Cuts at the next `sep` that is not inside a quoted string. */
static struct str
next_part(struct str *rest, char sep)
{
	struct str part = *rest;
	bool quoted = false;

	for (size_t i = 0; i < rest->n; i++) {
		char c = rest->p[i];

		if (quoted && c == '\\') {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (c == sep && !quoted) {
			part.n = i;
			*rest = (struct str){rest->p + i + 1, rest->n - i - 1};
			return str_trim(part);
		}
	}
	*rest = (struct str){"", 0};
	return str_trim(part);
}

/* RFC 9110 12.4.2 in thousandths; ".2" as well, because Java's own client sends it. */
static int
parse_weight(struct str s)
{
	int w, unit = WEIGHT_MAX;
	size_t i = 0;

	if (s.n == 0 || s.n > 5 || str_eqc(s, "."))
		return WEIGHT_NONE;
	w = 0;
	if (s.p[0] == '0' || s.p[0] == '1')
		w = (s.p[i++] - '0') * WEIGHT_MAX;
	if (i < s.n && s.p[i++] != '.')
		return WEIGHT_NONE;
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || unit == 1)
			return WEIGHT_NONE;
		unit /= 10;
		w += (s.p[i] - '0') * unit;
	}
	return w <= WEIGHT_MAX ? w : WEIGHT_NONE;
}

struct range {
	struct str type, subtype;
	int weight;
};

static bool
parse_range(struct str s, struct range *ret)
{
	struct str name = next_part(&s, ';');

	ret->weight = WEIGHT_MAX;
	if (str_eqc(name, "*"))
		name = STR_LIT("*/*");
	if (!str_cut(name, '/', &ret->type, &ret->subtype) || !is_token(ret->type) ||
	    !is_token(ret->subtype))
		return false;
	if (str_eqc(ret->type, "*") && !str_eqc(ret->subtype, "*"))
		return false;
	while (s.n > 0) {
		struct str key, value, parameter = next_part(&s, ';');

		str_cut(parameter, '=', &key, &value);
		if (str_caseeqc(str_trim(key), "q"))
			ret->weight = parse_weight(str_trim(value));
	}
	return ret->weight != WEIGHT_NONE;
}

static enum closeness
closeness(const struct range *r, const struct offer *o)
{
	if (str_eqc(r->type, "*"))
		return o->by_wildcard ? CLOSE_ANY : CLOSE_NOT;
	if (!str_caseeqc(r->type, o->type))
		return CLOSE_NOT;
	if (str_eqc(r->subtype, "*"))
		return o->by_wildcard ? CLOSE_TYPE : CLOSE_NOT;
	return str_caseeqc(r->subtype, o->subtype) ? CLOSE_EXACT : CLOSE_NOT;
}

static void
weigh(struct str field, struct offer *offers, size_t n)
{
	struct range r;

	if (field.n > ACCEPT_MAX)
		field.n = ACCEPT_MAX;
	for (int i = 0; field.n > 0 && i < ACCEPT_RANGES_MAX; i++) {
		if (!parse_range(next_part(&field, ','), &r))
			continue;
		for (size_t k = 0; k < n; k++) {
			enum closeness c = closeness(&r, &offers[k]);

			if (c == CLOSE_NOT || c < offers[k].closeness)
				continue;
			if (c > offers[k].closeness || r.weight > offers[k].weight)
				offers[k].weight = r.weight;
			offers[k].closeness = c;
		}
	}
}

bool
accept_choose(struct str field, unsigned offered, enum format first, struct accept_choice *ret)
{
	/* In the order of preference; a name's aliases stand behind it. */
	struct offer o[] = {
	    {FMT_XML, "text", "xml", true, CLOSE_NOT, 0},
	    {FMT_XML, "application", "xml", false, CLOSE_NOT, 0},
	    {FMT_JSON, "application", "json", true, CLOSE_NOT, 0},
	    {FMT_CSV, "text", "plain", true, CLOSE_NOT, 0},
	    {FMT_CSV, "text", "csv", false, CLOSE_NOT, 0},
	    {FMT_CSV, "text", "comma-separated-values", false, CLOSE_NOT, 0},
	    {FMT_VCARD, "text", "x-vcard", true, CLOSE_NOT, 0},
	    {FMT_VCARD, "text", "vcard", false, CLOSE_NOT, 0},
	    {FMT_EVENTS, "text", "event-stream", true, CLOSE_NOT, 0},
	};
	const struct offer *best = NULL;

	*ret = (struct accept_choice){.format = first};
	if (str_trim(field).n == 0)
		return true;
	weigh(field, o, sizeof(o) / sizeof(o[0]));
	for (size_t i = 0; i < sizeof(o) / sizeof(o[0]); i++) {
		bool is_better = best == NULL || o[i].weight > best->weight ||
		    (o[i].weight == best->weight && o[i].format == first && best->format != first);

		if ((offered & (unsigned)o[i].format) != 0 && o[i].weight > 0 && is_better)
			best = &o[i];
	}
	if (best == NULL)
		return false;
	ret->format = best->format;
	ret->app_xml = best == &o[1];
	if (best->format >= FMT_CSV && best->closeness == CLOSE_EXACT)
		ret->named = best->subtype;
	return true;
}

bool
accept_text(struct str field)
{
	struct offer o = {FMT_TEXT, "text", "plain", true, CLOSE_NOT, 0};

	if (str_trim(field).n == 0)
		return true;
	weigh(field, &o, 1);
	return o.weight > 0;
}

enum format
accept_for_error(struct str field)
{
	struct accept_choice c;

	return accept_choose(field, FMT_XML | FMT_JSON, FMT_JSON, &c) ? c.format : FMT_JSON;
}

static enum format
sniff(struct str body)
{
	if (str_starts(body, "\xef\xbb\xbf"))
		body = (struct str){body.p + 3, body.n - 3};
	body = str_trim(body);
	/* What is neither is left to the JSON reader, which says what is wrong with it. */
	return body.n > 0 && body.p[0] == '<' ? FMT_XML : FMT_JSON;
}

enum format
body_format(struct str content_type, struct str body)
{
	struct str type = next_part(&content_type, ';');

	if (str_caseeqc(type, "application/json"))
		return FMT_JSON;
	if (str_caseeqc(type, "text/xml") || str_caseeqc(type, "application/xml"))
		return FMT_XML;
	if (type.n == 0 || str_caseeqc(type, "text/plain") ||
	    str_caseeqc(type, "application/x-www-form-urlencoded"))
		return sniff(body);
	return FMT_NONE;
}
