/* SPDX-License-Identifier: ISC */

/* Handshakes, and where the private key is: in the key manager, and nowhere else. */

#include "kore_server.h"
#include "proc_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define H "Host: localhost\r\n"

static void
both_versions(const struct kore_server *s)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct raw_tls t;
	struct raw_answer a;
	size_t i;

	for (i = 0; i < 2; i++) {
		ck_assert_msg(raw_open(&t, s->port, "localhost", s->cert, versions[i], 5000), "version %x",
		    (unsigned)versions[i]);
		ck_assert_int_eq(SSL_version(t.ssl), versions[i]);
		kore_ask(&t, "GET /constant HTTP/1.1\r\n" H "\r\n", 200, &a);
		raw_answer_free(&a);
		raw_close(&t);
	}
	ck_assert(!raw_open(&t, s->port, "localhost", s->cert, TLS1_1_VERSION, 5000));
}

/* The same server for both of its names, with or without SNI. */
static void
both_names(const struct kore_server *s)
{
	static const char *const requests[] = {
	    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: 127.0.0.1:8443\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: localhost:8443\r\n\r\n",
	};
	struct raw_tls t;
	struct raw_answer a;
	size_t i;

	ck_assert(raw_open(&t, s->port, NULL, s->cert, 0, 5000));
	for (i = 0; i < 4; i++) {
		kore_ask(&t, requests[i], 200, &a);
		raw_answer_free(&a);
	}
	raw_close(&t);
	ck_assert(raw_open(&t, s->port, "LOCALHOST", s->cert, 0, 5000));
	kore_ask(&t, requests[3], 200, &a);
	raw_answer_free(&a);
	raw_close(&t);
}

static void
key_only_in_keymgr(const struct kore_server *s, const char *const *params)
{
	enum { WORKERS = 2 };
	pid_t pids[WORKERS + 1];
	pid_t keymgr = kore_pid(s, "[keymgr]");
	bool control = false;
	BIGNUM *n;
	int i, r;

	if (geteuid() != 0) {
		kore_skip("private key in memory", "only root may read it");
		return;
	}
	kore_all_pids(s, "[wrk", pids, WORKERS);
	pids[WORKERS] = s->pid;
	for (; *params != NULL; params++) {
		n = NULL;
		ck_assert_int_eq(EVP_PKEY_get_bn_param(s->pkey, *params, &n), 1);
		r = memory_has_number(keymgr, n);
		if (r == -1) {
			kore_skip("private key in memory", "/proc/PID/mem cannot be read");
			BN_clear_free(n);
			return;
		}
		control = control || r == 1;
		for (i = 0; i <= WORKERS; i++)
			ck_assert_msg(
			    memory_has_number(pids[i], n) == 0, "%s in process %d", *params, (int)pids[i]);
		BN_clear_free(n);
	}
	ck_assert_msg(control, "not even the key manager has the key: the search is broken");
}

START_TEST(elliptic_curve)
{
	static const char *const params[] = {OSSL_PKEY_PARAM_PRIV_KEY, NULL};
	struct kore_server s;

	kore_start(&s, KORE_KEY_EC, 2, NULL);
	both_versions(&s);
	both_names(&s);
	key_only_in_keymgr(&s, params);
	kore_stop(&s);
}
END_TEST

START_TEST(rsa)
{
	static const char *const params[] = {
	    OSSL_PKEY_PARAM_RSA_D,
	    OSSL_PKEY_PARAM_RSA_FACTOR1,
	    OSSL_PKEY_PARAM_RSA_FACTOR2,
	    NULL,
	};
	struct kore_server s;

	kore_start(&s, KORE_KEY_RSA, 2, NULL);
	both_versions(&s);
	key_only_in_keymgr(&s, params);
	kore_stop(&s);
}
END_TEST

TCase *
kore_tls_tests(void)
{
	TCase *tcase = tcase_create("tls");

	tcase_set_timeout(tcase, 90);
	tcase_add_test(tcase, elliptic_curve);
	tcase_add_test(tcase, rsa);
	return tcase;
}
