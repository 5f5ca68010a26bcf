/* SPDX-License-Identifier: ISC */
/* What commands to a conference answer: one line of text, or who takes part, in the legacy forms.
 */
#ifndef BACKEND_CONFERENCE_TEXT_H
#define BACKEND_CONFERENCE_TEXT_H

#include "backend/call.h"
#include "backend/live_conference.h"

/* <command-response>TEXT</command-response>, escaped; `forwarded` = from a switch, then a newline
 * follows. 0 or -1. */
int conference_answer(struct call *c, struct str text, bool forwarded);

enum { CONFERENCE_LIST_MAX = 2048 }; /* members that are listed, the first ones by number */
/* The members: as lines of fields with a delimiter, or as the document of xml_list, which is not
 * escaped once more. */
int conference_list(struct call *c, const struct live_running *run, struct str delimiter, bool xml);

#endif
