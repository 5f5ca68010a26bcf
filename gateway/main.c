/* SPDX-License-Identifier: ISC */
/* tandem-gateway: reads its configuration, checks it, and becomes Kore. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <kore/kore.h>
#include <kore/http.h>

#include "common/notify.h"
#include "common/release.h"
#include "common/tree.h"
#include "gateway/confine.h"
#include "gateway/fields.h"
#include "gateway/http.h"
#include "gateway/koreconf.h"
#include "gateway/settings.h"
#include "gateway/startup.h"

enum { EXIT_CONFIG = 78 /* EX_CONFIG of sysexits.h */ };

/* Kore's main(), renamed when it became a library. */
int kore_main(int argc, char **argv);

/* Found by name. */
void kore_parent_configure(int argc, char **argv);
void kore_parent_teardown(void);

struct settings settings;

static int config_fd = -1;

static void
usage(FILE *to)
{
	fputs("usage: tandem-gateway [-c FILE] [-o SECTION.NAME=VALUE]... [--check]\n"
	      "\n"
	      "  -c, --config FILE   configuration (default /etc/tandem/tandem.conf)\n"
	      "  -o, --set SETTING   one setting, over the file's\n"
	      "      --check         check the configuration and exit\n"
	      "      --help, --version\n"
	      "\n"
	      "settings:\n",
	    to);
	for (const struct conf_item *it = conf_items; it->name != NULL; it++)
		if (strcmp(it->section, "gateway") == 0)
			fprintf(to, "  gateway.%s (%s)\n      %s\n", it->name, it->dflt, it->doc);
}

struct options {
	const char *file;
	bool check;
	struct str set[64];
	size_t n;
};

/* 0 = go on, else 1 + the exit status. */
static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"set", required_argument, NULL, 'o'},
	    {"check", no_argument, NULL, 'k'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:o:", longs, NULL)) != -1) {
		if (c == 'c') {
			o->file = optarg;
		} else if (c == 'o' && o->n < sizeof(o->set) / sizeof(o->set[0])) {
			o->set[o->n++] = str_c(optarg);
		} else if (c == 'k') {
			o->check = true;
		} else if (c == 'h') {
			usage(stdout);
			return 1;
		} else if (c == 'v') {
			puts("tandem-gateway " TANDEM_RELEASE);
			return 1;
		} else {
			usage(stderr);
			return 1 + 2;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return 1 + 2;
	}
	return 0;
}

static int
read_settings(const struct options *o, struct err *e)
{
	conf_defaults(&settings.conf);
	if (conf_read(&settings.conf, o->file, e) != 0)
		return -1;
	for (size_t i = 0; i < o->n; i++)
		if (conf_set(&settings.conf, o->set[i], e) != 0)
			return -1;
	return startup_prepare(&settings, e);
}

/* Kore reads its configuration from a file in memory. The same one takes the process number
 * afterwards, which nobody needs: Kore cannot do without a file for it. */
static void
write_config(void)
{
	char path[64];
	struct buf b;

	config_fd = memfd_create("kore.conf", MFD_CLOEXEC);
	if (config_fd == -1)
		log_fatal("memfd_create: %s", strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", config_fd);
	buf_init(&b, 16384);
	koreconf_render(&settings, path, &b);
	if (b.failed || write(config_fd, b.p, b.n) != (ssize_t)b.n ||
	    lseek(config_fd, 0, SEEK_SET) != 0)
		log_fatal("Kore's configuration cannot be written");
	buf_free(&b);
	if ((config_file = strdup(path)) == NULL)
		log_fatal("out of memory");
}

/* In the parent, once it listens and before it forks: whoever connects now is served as soon as
 * the workers are there. */
void
kore_parent_configure(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	close(config_fd);
	http_error_body_set(gateway_error_body);
	fields_start();
	notify_send("READY=1");
	unsetenv("NOTIFY_SOCKET");
}

void
kore_parent_teardown(void)
{
	static char none[] = "";

	/* There is no file for Kore to remove. */
	kore_pidfile = none;
}

/* Kore's lines become lines of the one log. */
static void
take_line(int priority, const char *process, const char *text)
{
	struct log_line l;
	enum log_level level = priority <= LOG_ERR ? LOG_ERROR_
	    : priority == LOG_WARNING              ? LOG_WARN_
	                                           : LOG_INFO_;

	/* OpenSSL is seeded by the kernel; no file is wanted. */
	if (strstr(text, "no rand_file") != NULL)
		return;
	log_begin(&l, level, "kore");
	log_str(&l, "process", str_c(process));
	log_str(&l, "text", str_c(text));
	log_end(&l);
}

int
main(int argc, char **argv)
{
	struct options o = {.file = "/etc/tandem/tandem.conf"};
	struct err e;
	int rc = read_options(argc, argv, &o);

	if (rc != 0)
		return rc - 1;
	log_init("tandem-gateway", LOG_INFO_);
	err_clear(&e);
	confine_memory();
	if (read_settings(&o, &e) != 0) {
		log_event(LOG_ERROR_, "configuration", "%s", err_text(&e));
		return EXIT_CONFIG;
	}
	if (o.check) {
		puts("the configuration is fine");
		return 0;
	}
	if (startup_check_port(&settings.conf, &e) != 0)
		log_fatal("%s", err_text(&e));
	log_init("tandem-gateway", settings.log);
	text_init();
	tzset();
	write_config();
	kore_log_output(take_line);
	/* Its complaints about a configuration go to standard output all the same, where every
	 * process it forks would repeat what is left in a buffer. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	kore_foreground = 1;
	if (!settings.root)
		skip_chroot = skip_runas = 1;
	/* It overwrites its arguments with the name of the process, so it must get ours, but shall
	 * not read them: a count of one leaves it without options, and getopt() starts anew. */
	optind = 0;
	return kore_main(1, argv);
}
