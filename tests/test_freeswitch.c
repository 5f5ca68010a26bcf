/* SPDX-License-Identifier: ISC */
/* The feed of a FreeSWITCH: sessions, commands, faults. */
#include "tests/freeswitch_program.h"

int
main(void)
{
	return freeswitch_program(false);
}
