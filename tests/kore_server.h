/* SPDX-License-Identifier: ISC */
#ifndef TANDEM_TESTS_KORE_SERVER_H
#define TANDEM_TESTS_KORE_SERVER_H

#include <check.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "raw_tls.h"

/* A running kore_constant in a directory of its own. */
struct kore_server {
	pid_t pid;
	uint16_t port;
	char dir[64];
	char cert[96];
	char key[96];
	char log[96];
	EVP_PKEY *pkey;
};

enum kore_key { KORE_KEY_EC, KORE_KEY_RSA };

/* Starts it and waits until it answers; fails the test if it does not. */
void kore_start(
    struct kore_server *s, enum kore_key kind, int workers, const char *const *settings);
void kore_stop(struct kore_server *s);

/* The processes with this in their title, "[wrk" or "[keymgr]". Waits until there are so many,
 * since one worker may answer before another one has a title; fails the test if there are more. */
void kore_all_pids(const struct kore_server *s, const char *title, pid_t *pids, int count);
pid_t kore_pid(const struct kore_server *s, const char *title);

/* How often a text is in the log. */
int kore_logged(const struct kore_server *s, const char *text);

/* Asks until there is a 200, on a new connection each time; false if it takes longer. */
bool kore_answers(const struct kore_server *s, int ms);

/* A connection, and a whole request with its answer on it; both fail the test. */
void kore_connect(const struct kore_server *s, struct raw_tls *t);
void kore_ask(struct raw_tls *t, const char *request, int status, struct raw_answer *a);

/* A number in the JSON of the echo page. */
long kore_number(const struct raw_answer *a, const char *name);

/* Resident memory in KiB, and what a sanitizer keeps of the memory that has been freed. */
long kore_rss(pid_t pid);
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KORE_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(KORE_SANITIZED)
#define KORE_RSS_SLACK (300 * 1024)
#define KORE_SECCOMP_KILLS 0
#else
#define KORE_RSS_SLACK 0
#define KORE_SECCOMP_KILLS 1
#endif

/* Visible in the output, for what cannot be tested here. */
void kore_skip(const char *what, const char *why);

TCase *kore_framing_tests(void);
TCase *kore_stream_tests(void);
TCase *kore_patience_tests(void);
TCase *kore_tls_tests(void);
TCase *kore_process_tests(void);

#endif
