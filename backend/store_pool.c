/* SPDX-License-Identifier: ISC */
#include "backend/store_pool.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

/* Smaller ones come and go within a call; larger ones are few. */
enum { STEP = 16, SMALLEST = 256, LARGEST = 8192, CLASSES = LARGEST / STEP + 1 };

/* In a block that is not in use. */
struct unused {
	struct unused *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct unused *unused[CLASSES]; /* of at least so many steps */

void *
pool_malloc(size_t n)
{
	size_t class = (n + STEP - 1) / STEP;
	struct unused *u;

	if (n < SMALLEST || n > LARGEST)
		return malloc(n);
	pthread_mutex_lock(&lock);
	if ((u = unused[class]) != NULL)
		unused[class] = u->next;
	pthread_mutex_unlock(&lock);
	return u != NULL ? (void *)u : malloc(class * STEP);
}

void
pool_free(void *p)
{
	size_t class = malloc_usable_size(p) / STEP;
	struct unused *u = p;

	if (class < SMALLEST / STEP || class >= CLASSES) {
		free(p);
		return;
	}
	pthread_mutex_lock(&lock);
	u->next = unused[class];
	unused[class] = u;
	pthread_mutex_unlock(&lock);
}
