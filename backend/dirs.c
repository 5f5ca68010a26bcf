/* SPDX-License-Identifier: ISC */
#include "backend/dirs.h"

#include <string.h>

#include "common/dirs.h"

static int
socket_dir(
    const char *endpoint, mode_t mode, const char *owner, const char *group_of, struct err *e)
{
	char dir[CONF_TEXT_MAX];

	if (strncmp(endpoint, "ipc://", 6) != 0 || !dir_of(endpoint, dir))
		return 0;
	return dir_make(dir, mode, owner, group_of, e);
}

int
dirs_make(const struct conf *c, struct err *e)
{
	char keys[CONF_TEXT_MAX];

	if (dir_make(c->backend_state, 0700, c->backend_user, NULL, e) != 0 ||
	    socket_dir(c->backend_listen, 0710, c->backend_user, c->backend_gateway_user, e) != 0 ||
	    socket_dir(c->backend_listen2, 0710, c->backend_user, c->backend_gateway_user, e) != 0 ||
	    socket_dir(c->backend_feed_listen, 0710, c->backend_user, c->backend_feed_user, e) != 0 ||
	    socket_dir(c->backend_control, 0700, c->backend_user, NULL, e) != 0)
		return -1;
	/* The keys are read before the auth child changes its user: root's, and not even its own. */
	return dir_of(c->backend_auth_keys, keys) ? dir_make(keys, 0700, NULL, NULL, e) : 0;
}
