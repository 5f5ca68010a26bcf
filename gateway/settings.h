/* SPDX-License-Identifier: ISC */
/* What main() worked out before Kore took over; nothing is changed afterwards. */
#ifndef GATEWAY_SETTINGS_H
#define GATEWAY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/log.h"
#include "gateway/cors.h"

struct settings {
	struct conf conf;
	struct cors cors;
	enum log_level log;
	bool root; /* started as root: workers are confined to conf.gateway_root */
	/* As a worker sees them. */
	char backend[CONF_TEXT_MAX];
	char curve_cert[CONF_TEXT_MAX];
	char curve_server[CONF_TEXT_MAX];
	bool tcp, ipv6;
	uint16_t tcp_port;
};

extern struct settings settings;

#endif
