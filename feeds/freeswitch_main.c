/* SPDX-License-Identifier: ISC */
/* tandem-feed-freeswitch: what a FreeSWITCH tells of calls and conferences, and what it is told. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/checks.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/tree.h"
#include "feeds/freeswitch_rooms.h"

static int
read_password(struct fs_switch *s, const char *file, struct err *e)
{
	char text[FS_PASSWORD_MAX + 2];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	int why = errno, rc = 0;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return err_set(e, ERR_INVALID, "freeswitch.password_file: %s: %s", file, strerror(why));
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	/* It goes into a line of the protocol. */
	for (ssize_t i = 0; i < n; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
			rc = -1;
	if (rc != 0 || n == 0 || n > FS_PASSWORD_MAX) {
		rc = err_set(e, ERR_INVALID,
		    "freeswitch.password_file: %s must have a password of 1 to %d bytes without blanks",
		    file, FS_PASSWORD_MAX);
	} else {
		memcpy(s->password, text, (size_t)n);
		s->password[n] = '\0';
	}
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* A directory of the switch's, which goes into a command. */
static int
check_recordings(const char *path, struct err *e)
{
	for (const char *p = path; *p != '\0'; p++)
		if (*p != '/' && !fs_is_word((struct str){p, 1}, 1) && *p != '-')
			return err_set(e, ERR_INVALID, "freeswitch.record_directory may not have '%c'", *p);
	return path[0] == '\0' || path[0] == '/'
	    ? 0
	    : err_set(e, ERR_INVALID, "freeswitch.record_directory must begin with '/'");
}

static int
open_switch(struct feed *f, const struct conf *conf, void **sw, struct err *e)
{
	struct fs_switch *s = calloc(1, sizeof(*s));
	const char *wrong =
	    conf->freeswitch_domain[0] != '\0' ? check_host(str_c(conf->freeswitch_domain)) : NULL;

	if (s == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	text_init();
	s->dialling = (struct fs_dialling){conf->freeswitch_domain, conf->freeswitch_dial,
	    conf->freeswitch_dial_foreign, conf->freeswitch_record_directory,
	    (int)conf->freeswitch_dial_s};
	s->compare_ms = conf->freeswitch_compare_s * 1000;
	if (wrong != NULL)
		err_set(e, ERR_INVALID, "freeswitch.domain %s", wrong);
	if (wrong != NULL || fs_check_dial(conf->freeswitch_dial, e) != 0 ||
	    fs_check_dial(conf->freeswitch_dial_foreign, e) != 0 ||
	    check_recordings(conf->freeswitch_record_directory, e) != 0 ||
	    read_password(s, conf->freeswitch_password_file, e) != 0 ||
	    fs_switch_init(s, f, conf->freeswitch_host, conf->freeswitch_port, conf->freeswitch_domain,
	        conf->freeswitch_cdr_directory[0] == '\0', e) != 0 ||
	    fs_cdrs_open(&s->cdrs, f, conf->freeswitch_cdr_directory, conf->freeswitch_domain, e) !=
	        0) {
		explicit_bzero(s->password, sizeof(s->password));
		free(s);
		return -1;
	}
	*sw = s;
	return 0;
}

static void
start_switch(void *sw)
{
	fs_switch_start(sw);
}

static void
close_switch(void *sw)
{
	struct fs_switch *s = sw;

	fs_switch_close(s);
	rooms_free(&s->rooms);
	explicit_bzero(s->password, sizeof(s->password));
	free(s);
}

static void
resync(void *sw)
{
	fs_switch_resync(sw);
}

/* A name for a channel (RFC 9562, version 4). */
static void
make_uuid(char ret[37])
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		log_fatal("getrandom: %s", strerror(errno));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0, n = 0; i < sizeof(b); i++)
		n += (size_t)snprintf(
		    ret + n, 37 - n, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
}

static void
on_reply(void *arg, int64_t id, const char *name, struct str text, bool lost)
{
	struct fs_switch *s = arg;
	char said[256];
	int code = ERR_UNPROCESSABLE;

	(void)name;
	if (lost) {
		feed_result(s->f, id, false, ERR_UNAVAILABLE, "the connection to FreeSWITCH was lost");
		return;
	}
	text = str_trim(text);
	snprintf(said, sizeof(said), "%.*s", (int)(text.n < 255 ? text.n : 255), text.p);
	/* "Conference 3999 not found", "Non-Existant ID 9999" */
	if (strstr(said, "not found") != NULL || strstr(said, "Non-Exist") != NULL)
		code = ERR_NOT_FOUND;
	/* The one that is carried out without saying so. */
	if (fs_reply_ok(text) || str_starts(text, "Energy "))
		feed_result(s->f, id, true, 0, said);
	else
		feed_result(s->f, id, false, code, said);
}

/* The name by which the switch knows a conference; NULL when it is not there. */
static const char *
room_of(struct fs_switch *s, const struct feed_command *c, char room[FS_ROOM_MAX + 1])
{
	struct fs_conference *conf = NULL;
	struct str name = {"", 0};

	if (REC_HAS(c, feed_command, key)) {
		conf = fs_find(&s->state.conferences, c->key, 0);
		if (conf == NULL || conf->thing.ended)
			return NULL;
		name = conf->conference.room;
	} else if (REC_HAS(c, feed_command, room)) {
		name = c->room;
	}
	/* One that is too long is no word either. */
	snprintf(room, FS_ROOM_MAX + 1, "%.*s", name.n <= FS_ROOM_MAX ? (int)name.n : 1,
	    name.n <= FS_ROOM_MAX ? name.p : "-");
	return room;
}

static void
command(void *sw, const struct feed_command *c)
{
	struct fs_switch *s = sw;
	char line[FS_LINE_MAX], uuid[37], room[FS_ROOM_MAX + 1];
	const char *name = room_of(s, c, room);
	struct err e = {0};

	make_uuid(uuid);
	if (c->verb != feed_verb_ORIGINATE && name == NULL)
		feed_result(s->f, c->id, false, ERR_NOT_FOUND, "no such conference");
	else if (fs_command_line(line, c, name, uuid, clock_wall_ms(), &s->dialling, &e) != 0)
		feed_result(s->f, c->id, false, (int)e.code, err_text(&e));
	else if (!fs_link_send(&s->commands, line, on_reply, s, c->id, NULL))
		feed_result(s->f, c->id, false, ERR_UNAVAILABLE, "FreeSWITCH is not connected");
}

static bool
routes_have(void *sw, int64_t *generation, int64_t *version)
{
	const struct fs_switch *s = sw;

	return rooms_have(&s->rooms, generation, version);
}

static bool
routes_take(void *sw, const struct feed_routes *part)
{
	return fs_rooms_take(sw, part);
}

int
main(int argc, char **argv)
{
	const struct feed_program program = {
	    .name = "tandem-feed-freeswitch",
	    .kind = feed_switch_FREESWITCH,
	    .verbs = fs_verbs,
	    .verb_count = fs_verb_count,
	    .open = open_switch,
	    .start = start_switch,
	    .close = close_switch,
	    .resync = resync,
	    .command = command,
	    .routes = true,
	    .routes_have = routes_have,
	    .routes_take = routes_take,
	};

	return feed_main(&program, argc, argv);
}
