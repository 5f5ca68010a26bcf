/* SPDX-License-Identifier: ISC */
/* tandemctl: options, the table of commands, and what its commands have in common. */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/release.h"
#include "ctl/ctl.h"
#include "ctl/progress.h"
#include "ctl/term.h"

#define DEFAULT_CONFIG "/etc/tandem/tandem.conf"

enum { OUT_MAX = 512 * 1024 * 1024, SETTINGS_MAX = 64, MAPS_MAX = 64 };

/* Options that go with every command. */
enum { OPT_SOCKET = 1, OPT_HELP, OPT_VERSION };

/* The others; each is its own bit for the table. */
enum {
	OPT_JSON = 1 << 8,
	OPT_FIRST = 1 << 9,
	OPT_LAST = 1 << 10,
	OPT_STDIN = 1 << 11,
	OPT_NO_PASSWORD = 1 << 12,
	OPT_WEAK = 1 << 13,
	OPT_YES = 1 << 14,
	OPT_DRY_RUN = 1 << 15,
	OPT_PRINT = 1 << 16,
	OPT_PIN = 1 << 20,
	OPT_DAYS = 1 << 21,
	OPT_READ_ONLY = 1 << 22,
	OPT_USER = 1 << 24,
	OPT_BOOK = 1 << 25,
	OPT_MAP = 1 << 26,
	OPT_FOLLOW = 1 << 27,
	OPT_RATE = 1 << 28,
	OPT_TO = 1 << 29,
	OPT_PASSPHRASE = 1 << 30,
	OPT_WITHOUT_KEYS = 1 << 23,
	OPT_NO_VERIFY = 1 << 17,
	OPT_SIGN = 1 << 18,
	OPT_SIGNED_BY = 1 << 19
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"set", required_argument, NULL, 'o'},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"json", no_argument, NULL, OPT_JSON},
    {"first", required_argument, NULL, OPT_FIRST},
    {"last", required_argument, NULL, OPT_LAST},
    {"password-stdin", no_argument, NULL, OPT_STDIN},
    {"pin-stdin", no_argument, NULL, OPT_PIN},
    {"days", required_argument, NULL, OPT_DAYS},
    {"read-only", no_argument, NULL, OPT_READ_ONLY},
    {"no-password", no_argument, NULL, OPT_NO_PASSWORD},
    {"allow-weak", no_argument, NULL, OPT_WEAK},
    {"yes", no_argument, NULL, OPT_YES},
    {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"print", no_argument, NULL, OPT_PRINT},
    {"user", required_argument, NULL, OPT_USER},
    {"book", required_argument, NULL, OPT_BOOK},
    {"map", required_argument, NULL, OPT_MAP},
    {"follow", no_argument, NULL, OPT_FOLLOW},
    {"rate", required_argument, NULL, OPT_RATE},
    {"to", required_argument, NULL, OPT_TO},
    {"passphrase-file", required_argument, NULL, OPT_PASSPHRASE},
    {"without-keys", no_argument, NULL, OPT_WITHOUT_KEYS},
    {"no-verify", no_argument, NULL, OPT_NO_VERIFY},
    {"sign", required_argument, NULL, OPT_SIGN},
    {"signed-by", required_argument, NULL, OPT_SIGNED_BY},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

struct command {
	const char *name, *synopsis, *summary;
	unsigned options;
	int min, max; /* arguments behind the name */
	int (*run)(struct ctl *);
};

static const struct command commands[] = {
    {"user add", "NAME [--first F] [--last L] [--password-stdin | --no-password] [--allow-weak]",
        "Makes an account; asks for its password.",
        OPT_FIRST | OPT_LAST | OPT_STDIN | OPT_NO_PASSWORD | OPT_WEAK, 1, 1, cmd_user_add},
    {"user list", "[--json]", "Lists the accounts.", OPT_JSON, 0, 0, cmd_user_list},
    {"user enable", "NAME", "Lets a user log in again.", 0, 1, 1, cmd_user_enable},
    {"user disable", "NAME", "Keeps a user out; nothing is removed.", 0, 1, 1, cmd_user_disable},
    {"user password", "NAME [--password-stdin] [--allow-weak]",
        "Sets a password and ends the user's sessions.", OPT_STDIN | OPT_WEAK, 1, 1,
        cmd_user_password},
    {"user remove", "NAME --yes", "Removes an account with everything that is the user's.", OPT_YES,
        1, 1, cmd_user_remove},
    {"user pin", "NAME [--pin-stdin]", "Sets the voicemail PIN.", OPT_PIN, 1, 1, cmd_user_pin},
    {"user pin-verify", "NAME [--pin-stdin]", "Says by its exit status whether a PIN is right.",
        OPT_PIN, 1, 1, cmd_user_pin_verify},
    {"user sip-password", "NAME [--password-stdin]", "Sets the SIP password of the user's phones.",
        OPT_STDIN, 1, 1, cmd_user_sip_password},
    {"key make", "NAME [--days N] [--read-only] [--json]",
        "Makes a private key for paths below /private/, and prints it.",
        OPT_DAYS | OPT_READ_ONLY | OPT_JSON, 1, 1, cmd_key_make},
    {"key list", "[NAME] [--json]", "Lists the private keys of a user, or of all.", OPT_JSON, 0, 1,
        cmd_key_list},
    {"key revoke", "ID", "Makes a private key void at once.", 0, 1, 1, cmd_key_revoke},
    {"load", "FILE|- [--signed-by KEY] [--dry-run] [--json]",
        "Applies the rows of a file, all of them or none.", OPT_SIGNED_BY | OPT_DRY_RUN | OPT_JSON,
        1, 1, cmd_load},
    {"dump", "[FILE|-] [--sign KEY]", "Writes every stored row, in the form that load reads.",
        OPT_JSON | OPT_SIGN, 0, 1, cmd_dump},
    {"events", "[AFTER]", "Lists what phones have to be told, behind the event of that number.", 0,
        0, 1, cmd_events},
    {"audit", "[--user NAME] [--json]",
        "Lists who has changed what, or what has to do with a user.", OPT_USER | OPT_JSON, 0, 0,
        cmd_audit},
    {"audit verify", "[KEY] [--json]",
        "Proves that no row of the audit log was changed, left out or put in.", OPT_JSON, 0, 1,
        cmd_audit_verify},
    {"import users", "FILE|- [--map FIELD=COLUMN]... [--dry-run] [--json]",
        "Adds or updates the accounts of a CSV file, row by row.", OPT_MAP | OPT_DRY_RUN | OPT_JSON,
        1, 1, cmd_import_users},
    {"import phonebook",
        "--user NAME | --book NAME FILE|- [--map FIELD=COLUMN]... [--dry-run] [--json]",
        "Adds the entries of a CSV file to a phonebook.",
        OPT_USER | OPT_BOOK | OPT_MAP | OPT_DRY_RUN | OPT_JSON, 1, 1, cmd_import_phonebook},
    {"import vcard", "--user NAME | --book NAME FILE|- [--dry-run] [--json]",
        "Adds the vCards of a file to a phonebook.", OPT_USER | OPT_BOOK | OPT_DRY_RUN | OPT_JSON,
        1, 1, cmd_import_vcard},
    {"backup", "DIR [--passphrase-file FILE | --without-keys] [--rate MB] [--no-verify] [--follow]",
        "Copies the store of the running backend, and proves that the copy can be restored.",
        OPT_PASSPHRASE | OPT_WITHOUT_KEYS | OPT_RATE | OPT_NO_VERIFY | OPT_FOLLOW, 1, 1,
        cmd_backup},
    {"restore", "DIR [--to TIME] [--passphrase-file FILE | --without-keys]",
        "Puts a backup in the place of a store that is not there.",
        OPT_TO | OPT_PASSPHRASE | OPT_WITHOUT_KEYS, 1, 1, cmd_restore},
    {"verify", "DIR [--passphrase-file FILE]",
        "Compares a backup's sums, and makes a store of it for a trial.", OPT_PASSPHRASE, 1, 1,
        cmd_verify},
    {"migrate", "ENGINE:DIR",
        "Copies the store, which nobody may use, to a new one of that engine.", 0, 1, 1,
        cmd_migrate},
    {"status", "[--json]", "Shows the state and the counters of the backend.", OPT_JSON, 0, 0,
        cmd_status},
    {"check-config", "[FILE] [--print] [--json]", "Checks a configuration file and what it names.",
        OPT_PRINT | OPT_JSON, 0, 1, cmd_check_config},
    {"cert make", "FILE NAME", "Makes a CURVE key pair: FILE (public) and FILE_secret.", 0, 2, 2,
        cmd_cert_make},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const char head[] = "usage: tandemctl [-c FILE] [-o SECTION.NAME=VALUE]... COMMAND ...\n\n";
static const char common_help[] =
    "\n"
    "  -c, --config FILE   configuration (default " DEFAULT_CONFIG ")\n"
    "  -o, --set SETTING   one setting, over the file's\n"
    "      --socket ipc:///PATH   the backend's control socket, instead of the configured one\n"
    "      --help, --version\n"
    "\n"
    "See tandemctl(1).\n";

int
ctl_fail(int code, const char *fmt, ...)
{
	char text[2048];
	struct buf out;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_init(&out, 8 * sizeof(text));
	buf_adds(&out, "tandemctl: ");
	term_text(&out, str_c(text));
	buf_addc(&out, '\n');
	progress_end();
	fwrite(out.p, 1, out.n, stderr);
	buf_free(&out);
	return code;
}

int
ctl_usage(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return ctl_fail(EXIT_USAGE, "%s (see tandemctl --help)", text);
}

int
ctl_read_conf(struct ctl *c, const char *file, struct err *e)
{
	conf_defaults(&c->conf);
	if (file != NULL && conf_read(&c->conf, file, e) != 0)
		return -1;
	for (size_t i = 0; i < c->setting_count; i++)
		if (conf_set(&c->conf, str_c(c->settings[i]), e) != 0)
			return -1;
	return 0;
}

int
ctl_connect(struct ctl *c)
{
	const char *endpoint = c->socket;
	struct err e = {0};

	/* With the socket at hand the file need not be there, unless it was asked for. */
	if (ctl_read_conf(c, endpoint == NULL || c->config_given ? c->config : NULL, &e) != 0)
		return ctl_fail(EXIT_CONFIG, "%s", err_text(&e));
	if (endpoint == NULL)
		endpoint = c->conf.backend_control;
	if (!str_starts(str_c(endpoint), "ipc://"))
		return ctl_fail(c->socket != NULL ? EXIT_USAGE : EXIT_CONFIG,
		    "the control socket must be an ipc:///path: %s", endpoint);
	if (link_open(&c->link, endpoint, &e) == 0)
		return EXIT_OK;
	if (e.code == ERR_INVALID)
		return ctl_fail(c->socket != NULL ? EXIT_USAGE : EXIT_CONFIG, "%s", err_text(&e));
	return ctl_fail(EXIT_UNREACHABLE, "%s", err_text(&e));
}

static int
fail_at(const struct rec *r, const struct err *e)
{
	struct buf field;

	buf_init(&field, 256);
	rec_path(r, false, e->path, e->depth, &field);
	ctl_fail(EXIT_FAILED, "%.*s%s%s", (int)field.n, field.n > 0 ? field.p : "",
	    field.n > 0 ? ": " : "", err_text(e));
	buf_free(&field);
	return EXIT_FAILED;
}

int
ctl_call(struct ctl *c, struct ctl_request *q, struct ctl_reply *r, int timeout_ms)
{
	struct err e = {0};

	if (link_call(&c->link, q, r, timeout_ms, &e) == 0)
		return EXIT_OK;
	if (e.code == ERR_UNAVAILABLE)
		return ctl_fail(EXIT_UNREACHABLE, "%s", err_text(&e));
	return fail_at(&rec_ctl_request, &e);
}

void
ctl_error_of(const struct ctl_reply *r, struct err *e)
{
	err_clear(e);
	if (REC_HAS(r, ctl_reply, message))
		err_set(e, (enum err_code)r->code, "%.*s", (int)r->message.n, r->message.p);
	else
		err_set(e, (enum err_code)r->code, NULL);
	for (size_t i = 0; REC_HAS(r, ctl_reply, path) && i < r->path.n; i++)
		err_push(e, (int32_t)r->path.v[i]);
}

int
ctl_refused(const struct ctl_reply *r, const struct rec *about)
{
	struct err e;

	ctl_error_of(r, &e);
	return fail_at(about, &e);
}

static void
describe(const struct command *cmd, FILE *to)
{
	fprintf(to, "  %s %s\n      %s\n", cmd->name, cmd->synopsis, cmd->summary);
}

/* `name`: a command, or the first word of several; NULL = all. How many there are. */
static int
help(const char *name, FILE *to)
{
	size_t len = name != NULL ? strlen(name) : 0;
	int found = 0;

	for (size_t i = 0; i < COMMANDS; i++) {
		const char *at = commands[i].name;

		if (name != NULL && (strncmp(at, name, len) != 0 || (at[len] != '\0' && at[len] != ' ')))
			continue;
		if (found++ == 0)
			fputs(head, to);
		describe(&commands[i], to);
	}
	if (found > 0)
		fputs(common_help, to);
	return found;
}

/* Finds the command that the words begin with; *words = how many of them are its name. */
static const struct command *
find(char **v, int n, int *words)
{
	char name[64];

	for (*words = n < 2 ? n : 2; *words > 0; --*words) {
		snprintf(name, sizeof(name), "%s%s%s", v[0], *words > 1 ? " " : "", *words > 1 ? v[1] : "");
		for (size_t i = 0; i < COMMANDS; i++)
			if (strcmp(commands[i].name, name) == 0)
				return &commands[i];
	}
	return NULL;
}

static int
show_help(char **v, int n)
{
	const struct command *cmd;
	int words;

	if (n == 0) {
		help(NULL, stdout);
		return EXIT_OK;
	}
	cmd = find(v, n, &words);
	if (help(cmd != NULL ? cmd->name : v[0], stdout) == 0)
		return ctl_usage("there is no command \"%s\"", v[0]);
	return EXIT_OK;
}

static int
set_option(struct ctl *c, int option)
{
	switch (option) {
	case 'c':
		c->config = optarg;
		c->config_given = true;
		break;
	case 'o':
		if (c->setting_count == SETTINGS_MAX)
			return ctl_usage("more than %d settings", SETTINGS_MAX);
		c->settings[c->setting_count++] = optarg;
		break;
	case OPT_SOCKET:
		c->socket = optarg;
		break;
	case OPT_DAYS:
		c->days = optarg;
		break;
	case OPT_FIRST:
		c->first = optarg;
		break;
	case OPT_LAST:
		c->last = optarg;
		break;
	case OPT_USER:
		c->user = optarg;
		break;
	case OPT_BOOK:
		c->book = optarg;
		break;
	case OPT_RATE:
		c->rate = optarg;
		break;
	case OPT_TO:
		c->to = optarg;
		break;
	case OPT_PASSPHRASE:
		c->passphrase_file = optarg;
		break;
	case OPT_SIGN:
		c->sign = optarg;
		break;
	case OPT_SIGNED_BY:
		c->signed_by = optarg;
		break;
	case OPT_MAP:
		if (c->map_count == MAPS_MAX)
			return ctl_usage("more than %d columns", MAPS_MAX);
		c->maps[c->map_count++] = optarg;
		break;
	default:
		c->json = c->json || option == OPT_JSON;
		c->password_stdin = c->password_stdin || option == OPT_STDIN || option == OPT_PIN;
		c->read_only = c->read_only || option == OPT_READ_ONLY;
		c->no_password = c->no_password || option == OPT_NO_PASSWORD;
		c->allow_weak = c->allow_weak || option == OPT_WEAK;
		c->yes = c->yes || option == OPT_YES;
		c->dry_run = c->dry_run || option == OPT_DRY_RUN;
		c->print = c->print || option == OPT_PRINT;
		c->follow = c->follow || option == OPT_FOLLOW;
		c->without_keys = c->without_keys || option == OPT_WITHOUT_KEYS;
		c->no_verify = c->no_verify || option == OPT_NO_VERIFY;
		break;
	}
	return EXIT_OK;
}

static const char *
name_of(unsigned bits)
{
	for (const struct option *o = options; o->name != NULL; o++)
		if (o->val > 0xff && ((unsigned)o->val & bits) != 0)
			return o->name;
	return "";
}

/* What a command has put together is printed when it is complete. */
static int
print(struct ctl *c, int rc)
{
	if (c->out.failed)
		return ctl_fail(EXIT_FAILED, "out of memory");
	if (c->out.n > 0 && (rc == EXIT_OK || rc == EXIT_CONFIG))
		fwrite(c->out.p, 1, c->out.n, stdout);
	if (fflush(stdout) != 0 || ferror(stdout))
		return ctl_fail(EXIT_FAILED, "standard output cannot be written");
	return rc;
}

static int
run(struct ctl *c, char **v, int n, unsigned given)
{
	const struct command *cmd;
	int words, rc;

	if (n == 0 || (cmd = find(v, n, &words)) == NULL) {
		if (n == 0 || help(v[0], stderr) == 0)
			return n == 0 ? (help(NULL, stderr), EXIT_USAGE)
			              : ctl_usage("there is no command \"%s\"", v[0]);
		return EXIT_USAGE;
	}
	c->args = v + words;
	c->arg_count = n - words;
	if ((given & ~cmd->options) != 0)
		return ctl_usage("--%s does not go with %s", name_of(given & ~cmd->options), cmd->name);
	if (c->arg_count < cmd->min || c->arg_count > cmd->max)
		return ctl_usage("usage: tandemctl %s %s", cmd->name, cmd->synopsis);
	buf_init(&c->out, OUT_MAX);
	rc = print(c, cmd->run(c));
	buf_wipe(&c->out);
	link_close(&c->link);
	return rc;
}

int
main(int argc, char **argv)
{
	static struct ctl c = {.config = DEFAULT_CONFIG};
	bool wants_help = false;
	unsigned given = 0;
	int option;

	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "c:o:", options, NULL)) != -1) {
		if (option == '?')
			return EXIT_USAGE;
		if (option == OPT_VERSION) {
			puts("tandemctl " TANDEM_RELEASE);
			return EXIT_OK;
		}
		if (set_option(&c, option) != EXIT_OK)
			return EXIT_USAGE;
		wants_help = wants_help || option == OPT_HELP;
		if (option > 0xff)
			given |= (unsigned)option;
	}
	argv += optind;
	argc -= optind;
	if (wants_help)
		return show_help(argv, argc);
	if (argc > 0 && strcmp(argv[0], "help") == 0)
		return show_help(argv + 1, argc - 1);
	return run(&c, argv, argc, given);
}
