/* SPDX-License-Identifier: ISC */
/*
 * A process that speaks what a FreeSWITCH has spoken: its recorded login, its recorded reply to
 * each command, its recorded events, up to a point that the test sets. Where it has to be worse
 * than the real one, a fault is set. What it was told is in its notes.
 */
#ifndef TESTS_FREESWITCH_SERVER_H
#define TESTS_FREESWITCH_SERVER_H

#include <stdatomic.h>
#include <sys/types.h>

enum server_fault {
	FAULT_NONE,
	FAULT_CLOSE,        /* closes what is open and whatever comes, until it is mended */
	FAULT_HALF_EVENT,   /* sends half of the next event and then nothing */
	FAULT_ENDLESS_LINE, /* sends a line to whoever logs in, and never its end */
	FAULT_ENDLESS_HEAD, /* sends header lines, and never an empty one */
	FAULT_NEGATIVE,     /* announces a length below 0 */
	FAULT_HUGE,         /* announces 4 GB */
	FAULT_ZEROS,        /* sends NUL bytes */
	FAULT_NO_REPLY,     /* answers no command */
	FAULT_SILENT        /* accepts, and says nothing */
};

enum { SERVER_NOTES = 1 << 20 };

struct server_control {
	atomic_int upto;  /* events that have happened */
	atomic_int chunk; /* bytes that are sent at once */
	atomic_int fault; /* enum server_fault */
	atomic_int rooms; /* the list of conferences: 0 = none, 1 = recorded with three members */
	atomic_int core;  /* 0 = the recorded one, else another one's number */
	atomic_int logins, refused, commands, listeners;
	atomic_int sent;   /* events, to the last listener */
	atomic_int peers;  /* connections that are open */
	atomic_int closed; /* that came while all are closed */
	atomic_size_t noted;
	char notes[SERVER_NOTES]; /* every command, a line each */
};

struct server {
	pid_t pid;
	int port;
	struct server_control *control;
	size_t events; /* that were recorded */
};

/* Closes all connections and waits until whoever had them has noticed, since they have tried to
 * come back; fails the test after 15 s. */
void server_close(struct server *s);
/* Starts it with the events of a recording, of which none has happened. The password is "ClueCon".
 */
void server_start(struct server *s, const char *events);
void server_stop(struct server *s);
/* Number of the first event, from 0, that has the text. Fails the test when none has. */
int server_event(const struct server *s, const char *text);
/* Waits until a command was noted `times` times; fails the test after 15 s. */
void server_await_command(struct server *s, const char *command, int times);

#endif
