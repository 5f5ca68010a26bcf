/* SPDX-License-Identifier: ISC */
#include "backend/hooks.h"

static const struct hooks none;

const struct hooks *
hooks_of(const struct res *r)
{
	switch (r->number) {
	case RES_FORWARD:
		return &hooks_forward;
	case RES_CALLFWD:
		return &hooks_callfwd;
	case RES_CALLFWDSCHED:
	case RES_CALLFWDSCHED_ID:
		return &hooks_schedule;
	case RES_CONTACT_INFORMATION:
		return &hooks_contact;
	case RES_CONFERENCES:
		return &hooks_conferences;
	case RES_CONFERENCE:
		return &hooks_conference;
	case RES_SPEEDDIAL:
		return &hooks_speeddial;
	case RES_SESSION:
		return &hooks_session;
	case RES_VMPREFS:
		return &hooks_vmprefs;
	case RES_ATTENDANT:
		return &hooks_attendant;
	case RES_ATTENDANT_LANG:
		return &hooks_languages;
	case RES_OPERATOR:
	case RES_OPERATOR_RESET:
		return &hooks_operator;
	case RES_ACTIVEGREETING:
		return &hooks_activegreeting;
	case RES_AVATAR:
		return &hooks_avatar;
	case RES_LOGINDETAILS:
	case RES_LOGINDETAILSUNITE:
		return &hooks_logindetails;
	case RES_LOGINDETAILSUNITE_LOGOUT:
	case RES_LOGOUTUNITE:
		return &hooks_logout;
	case RES_VOICEMAIL_PIN_PATH:
		return &hooks_pin_path;
	case RES_VOICEMAIL_PIN:
		return &hooks_pin;
	case RES_PORTAL_PASSWORD_PATH:
		return &hooks_password_path;
	case RES_PORTAL_PASSWORD:
		return &hooks_password;
	case RES_PHONEBOOK:
		return &hooks_phonebook;
	case RES_PAGEDPHONEBOOK:
		return &hooks_phonebook_page;
	case RES_PHONEBOOK_ENTRY:
		return &hooks_entry;
	case RES_PHONEBOOK_ENTRIES:
		return &hooks_phonebook_own;
	case RES_SEARCH_PHONEBOOK:
		return &hooks_phonebook_search;
	case RES_SHOW_CONTACTS:
		return &hooks_show_contacts;
	case RES_GOOGLE_IMPORT:
		return &hooks_google_import;
	case RES_PHONEBOOKENTRY:
		return &hooks_phonebookentry;
	case RES_PHONEBOOKS:
		return &hooks_phonebooks;
	case RES_PHONEBOOK_NAMED:
		return &hooks_phonebook_named;
	case RES_ACTIVECDRS:
		return &hooks_activecdrs;
	case RES_ACTIVECDRS_USER:
		return &hooks_activecdrs_user;
	case RES_EVENTS:
		return &hooks_events;
	case RES_CONFERENCEDETAILS:
		return &hooks_conferencedetails;
	case RES_CONFERENCE_COMMAND:
		return &hooks_conference_command;
	case RES_CALL:
	case RES_CALL_SHORT:
		return &hooks_call;
	case RES_CALLCONTROLLER:
		return &hooks_callcontroller;
	case RES_CDR_HISTORY:
		return &hooks_cdr_history;
	case RES_CDRS:
		return &hooks_cdrs;
	case RES_AUDIT:
		return &hooks_audit;
	case RES_HISTORY:
		return &hooks_history;
	case RES_HISTORY_UNDO:
		return &hooks_history_undo;
	default:
		return &none;
	}
}
