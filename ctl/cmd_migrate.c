/* SPDX-License-Identifier: ISC */
/* migrate: from one engine of the store to another. */
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/offline.h"

int
cmd_migrate(struct ctl *c)
{
	const char *target = c->args[0], *colon = strchr(target, ':'), *dir;
	const char *settings[] = {NULL}, *args[] = {"--migrate", target, NULL};
	struct err e = {0};
	long long rows;
	int fd, rc;

	if (colon == NULL || colon == target || colon[1] == '\0')
		return ctl_usage("the new store is named as ENGINE:DIR: %s", target);
	dir = colon + 1;
	if (ctl_read_conf(c, c->config, &e) != 0)
		return ctl_fail(EXIT_CONFIG, "%s", err_text(&e));
	if ((rc = offline_empty(dir)) != EXIT_OK)
		return rc;
	if ((fd = offline_home(c, dir)) < 0)
		return EXIT_FAILED;
	close(fd);
	if ((rc = offline_run(c, settings, args, "rows", &rows)) != EXIT_OK) {
		offline_discard(dir);
		return ctl_fail(rc, "nothing was migrated");
	}
	buf_printf(&c->out, "migrated %lld rows from %s:%s to %s\n", rows, c->conf.backend_engine,
	    c->conf.backend_state, target);
	return EXIT_OK;
}
