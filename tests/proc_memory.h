/* SPDX-License-Identifier: ISC */
/* Looking for a secret in the memory of another process, as root can. */
#ifndef TESTS_PROC_MEMORY_H
#define TESTS_PROC_MEMORY_H

#include <openssl/bn.h>
#include <sys/types.h>

/* 1 = it is there, 0 = it is not, -1 = the memory cannot be read. */
int memory_has(pid_t pid, const unsigned char *secret, size_t len);
/* The same for a number, as it stands in a file and as OpenSSL keeps it. */
int memory_has_number(pid_t pid, const BIGNUM *n);

#endif
