/* SPDX-License-Identifier: ISC */
/* Beginning and end of a worker; Kore finds the functions by name. */
#include <kore/kore.h>
#include <kore/http.h>

#include "common/log.h"
#include "gateway/bus.h"
#include "gateway/http.h"

void kore_worker_configure(void);
void kore_worker_teardown(void);

void
kore_worker_configure(void)
{
	struct err e;

	err_clear(&e);
	http_start();
	if (bus_start(&e) != 0)
		log_fatal("%s", err_text(&e));
}

void
kore_worker_teardown(void)
{
	bus_stop();
}
