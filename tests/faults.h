/* SPDX-License-Identifier: ISC */
/* What the cases of test_ci_faults have in common: a rig with processes that can be meddled with,
 * and clients with histories. */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <check.h>

#include "tests/fault/meddle.h"
#include "tests/histories.h"

#define FAULTS_USER "710:secret99"

/* By when all has to be well again; a machine with nothing else to do needs a tenth of it. */
enum { FAULTS_BACK_MS = 8000 };

extern struct faults {
	struct rig rig;
	struct meddle *backend, *gateway;
	long long slowest; /* ms that the service took to be back */
} faults;

/* The engines that a case runs on, by its number. */
extern const char *const faults_engines[2];

void faults_begin(const char *engine, const char *extra);
void faults_end(void);
/* The status of a request by FAULTS_USER, or by a session, on a connection of its own, since the
 * clients' processes would inherit another one; `ret` (may be NULL) gets the body. Waits for long.
 */
int faults_ask(const char *method, const char *path, const char *bearer, const char *body,
    char *ret, size_t n);
/* The same of the user's /my/callfwd, where there need not be an answer. */
int faults_try(const char *method, const char *body);
/* Until a write and a read are answered by 200. */
void faults_await(const char *after);
/* kill -9 of the backend, and another one. */
void faults_restart(void);
void faults_show(const char *what, const struct sums *s);

/* The case of the clocks. */
const TTest *faults_clocks(void);

#endif
