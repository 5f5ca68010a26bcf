/* SPDX-License-Identifier: ISC */
#include "gateway/walltime.h"

void
walltime_text(time_t now, struct buf *out)
{
	static const char months[12][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm;
	int hour;

	/* Not localtime(), which would look for the zone's file again. */
	if (localtime_r(&now, &tm) == NULL)
		return;
	hour = tm.tm_hour % 12;
	buf_printf(out, "%s %d, %d %d:%02d %s", months[tm.tm_mon], tm.tm_mday, tm.tm_year + 1900,
	    hour == 0 ? 12 : hour, tm.tm_min, tm.tm_hour < 12 ? "AM" : "PM");
}
