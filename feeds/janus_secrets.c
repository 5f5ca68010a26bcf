/* SPDX-License-Identifier: ISC */
#include "feeds/janus_secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `room_secret` or `room_secret NUMBER`. */
static bool
take_room(struct janus_secrets *s, struct str name, struct str value)
{
	struct str word, number;
	int64_t room = 0;

	if (str_cut(name, ' ', &word, &number) && (!str_to_i64(str_trim(number), &room) || room <= 0))
		return false;
	if (!str_eqc(word, "room_secret") || s->room_count == JANUS_ROOM_SECRETS_MAX)
		return false;
	s->rooms[s->room_count++] = (struct janus_room_secret){room, value};
	return true;
}

static bool
take(struct janus_secrets *s, struct str name, struct str value)
{
	struct str *to = str_eqc(name, "api_secret") ? &s->api_secret
	    : str_eqc(name, "admin_key")             ? &s->admin_key
	    : str_eqc(name, "event_password")        ? &s->event_password
	                                             : NULL;

	if (value.n == 0 || value.n > JANUS_SECRET_MAX || !str_is_utf8(value))
		return false;
	if (to == NULL)
		return take_room(s, name, value);
	if (to->n != 0)
		return false;
	*to = value;
	return true;
}

int
janus_secrets_parse(struct janus_secrets *s, const char *file, struct err *e)
{
	struct str rest = {s->text, s->n}, line, name, value;

	s->api_secret = s->admin_key = s->event_password = (struct str){"", 0};
	s->room_count = 0;
	for (int i = 1; rest.n != 0; i++) {
		str_cut(rest, '\n', &line, &rest);
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!str_cut(line, '=', &name, &value) || !take(s, str_trim(name), str_trim(value)))
			return err_set(e, ERR_INVALID, "%s:%d: not a secret, or one given twice", file, i);
	}
	return 0;
}

int
janus_secrets_read(struct janus_secrets *s, const char *file, struct err *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0) {
		err_set(e, ERR_INVALID, "%s: %s", file, strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0007) != 0) {
		err_set(e, ERR_INVALID, "%s must be a file that others may not read", file);
		goto fail;
	}
	s->n = 0;
	while ((n = read(fd, s->text + s->n, sizeof(s->text) - s->n)) > 0)
		s->n += (size_t)n;
	if (n < 0 || s->n == sizeof(s->text)) {
		err_set(e, ERR_INVALID, "%s: %s", file, n < 0 ? strerror(errno) : "too long");
		goto fail;
	}
	close(fd);
	return janus_secrets_parse(s, file, e);

fail:
	if (fd >= 0)
		close(fd);
	return -1;
}

struct str
janus_secret_of(const struct janus_secrets *s, int64_t room)
{
	struct str of_all = {"", 0};

	for (size_t i = 0; i < s->room_count; i++) {
		if (s->rooms[i].room == room)
			return s->rooms[i].secret;
		if (s->rooms[i].room == 0)
			of_all = s->rooms[i].secret;
	}
	return of_all;
}
