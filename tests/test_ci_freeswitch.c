/* SPDX-License-Identifier: ISC */
/* The feed of a FreeSWITCH: what takes its time. */
#include "tests/freeswitch_program.h"

int
main(void)
{
	return freeswitch_program(true);
}
