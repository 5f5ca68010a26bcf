/* SPDX-License-Identifier: ISC */
/*
 * A backup is a directory: the files of the store as they were copied, the keys in a sealed file of
 * their own, and a text file MANIFEST that names them with sizes and BLAKE2b sums, written last. A
 * backup without it is not complete. FOLLOWED says the same of the files of the log to which
 * something has come since, and the commit that they lead to.
 */
#ifndef CTL_BACKUP_H
#define CTL_BACKUP_H

#include "ctl/ctl.h"

#define BACKUP_MANIFEST "MANIFEST"
#define BACKUP_FOLLOWED "FOLLOWED"
#define BACKUP_KEYS "keys.sealed"

enum {
	BACKUP_FILES_MAX = 4300,
	BACKUP_NAME_MAX = 31,
	BACKUP_SUM_BYTES = 32,
	BACKUP_SUM_TEXT = 2 * BACKUP_SUM_BYTES
};

struct backup_file {
	char name[BACKUP_NAME_MAX + 1];
	int64_t size;
	char sum[BACKUP_SUM_TEXT + 1]; /* BLAKE2b-256 of its first `size` bytes, hexadecimal */
};

struct backup {
	char engine[16], store[33], release[65];
	int64_t commit;       /* which the files have at least */
	int64_t begun, ended; /* the backend's clock, seconds since 1970 */
	struct backup_file files[BACKUP_FILES_MAX];
	size_t n;
	/* What --follow has brought: files of the log as they were at least, and the last commit in
	 * them, 0 = none. */
	struct backup_file *followed;
	size_t followed_n, followed_size;
	int64_t followed_commit;
};

/* Of calloc(); NULL is allowed. */
void backup_free(struct backup *b);

/* From now on SIGINT, SIGTERM and SIGHUP, unless they are ignored, end nothing by themselves: work
 * on a backup looks at backup_stopped() between two pieces, and ends with backup_stop(), an exit
 * code, after what it has begun is removed. */
void backup_catch(void);
bool backup_stopped(void);
int backup_stop(void);

/* A file's name that cannot lead out of its directory. */
bool backup_name_ok(struct str name);
/* EXIT_OK, or an exit code after having said why. `dirfd`: the backup's, `dir`: its name. */
int backup_write(const struct backup *b, int dirfd, const char *dir);
int backup_read(struct backup *b, int dirfd, const char *dir);
/* That much of a file of the log has been brought. */
int backup_note_followed(struct backup *b, const struct backup_file *f);
/* Nothing is known of that file any more: whether there was something. */
bool backup_forget_followed(struct backup *b, const char *name);
/* FOLLOWED, as *b has it. */
int backup_write_followed(const struct backup *b, int dirfd, const char *dir);
/* Reads all files and compares their sums. */
int backup_compare(const struct backup *b, int dirfd, const char *dir);
/* The newest file of the log in a directory, "" = none. */
void backup_last_log(int dirfd, char name[BACKUP_NAME_MAX + 1]);

/* Copies the files of a backup, those of the log that came later included, to a new directory that
 * is the backend's user's, and which no backend opens before backup_recover() has made a store of
 * it. *begun = what is in it is ours, and may be discarded. */
int backup_put(const struct ctl *c, const struct backup *b, int dirfd, const char *to, bool *begun);
/* Has tandem-backend --recover make a store of what backup_put() left in `state`. `until`: see
 * there, 0 = all, which has to lead to the last commit that the backup is known to have. */
int backup_recover(
    struct ctl *c, const struct backup *b, const char *state, int64_t until, int64_t *commit);
/* Both of them in a directory that is removed afterwards: whether a store can be made of it,
 * and with which commit. */
int backup_try(struct ctl *c, const struct backup *b, int dirfd, int64_t *commit);

/* Seals the keys of the auth child by a passphrase into the backup, adding the file to *b; and the
 * way back: whether the passphrase opens them, and unless `made` is NULL they are put in their
 * place, where a file with other keys is never replaced; *made = there was none. */
int backup_seal_keys(struct ctl *c, struct backup *b, int dirfd);
int backup_open_keys(struct ctl *c, int dirfd, bool *made);

#endif
