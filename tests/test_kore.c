/* SPDX-License-Identifier: ISC */

/*
 * What the patch queue in packaging/kore promises, proved on a running server. The program to
 * test is taken from the environment variable KORE_CONSTANT.
 */

#include <check.h>
#include <stdlib.h>

#include "kore_server.h"

int
main(void)
{
	Suite *suite = suite_create("kore");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, kore_framing_tests());
	suite_add_tcase(suite, kore_stream_tests());
	suite_add_tcase(suite, kore_patience_tests());
	suite_add_tcase(suite, kore_tls_tests());
	suite_add_tcase(suite, kore_process_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
