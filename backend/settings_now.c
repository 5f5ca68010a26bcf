/* SPDX-License-Identifier: ISC */
#include "backend/settings_now.h"

#include <pthread.h>
#include <stdlib.h>

#include "backend/model.h"

struct settings_now {
	pthread_mutex_t lock;
	struct arena arena; /* of the texts */
	struct settings s;
};

enum { TEXTS_MAX = 256 * 1024 };

struct settings_now *
settings_now_new(void)
{
	struct settings_now *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	arena_init(&s->arena, TEXTS_MAX);
	rec_defaults(&rec_settings, &s->s);
	return s;
}

void
settings_now_free(struct settings_now *s)
{
	if (s == NULL)
		return;
	arena_free(&s->arena);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int
settings_now_read(struct settings_now *s, struct store *store, uint32_t tenant, struct err *e)
{
	struct store_txn *t;
	struct arena reading, keeping;
	struct settings got;
	struct model m = {.a = &reading, .e = e, .tenant = tenant};
	int rc;

	if (store_begin(store, STORE_READ, &t, e) != 0)
		return -1;
	m.t = t;
	arena_init(&reading, TEXTS_MAX);
	arena_init(&keeping, TEXTS_MAX);
	rc = model_get(&m, &rec_settings, 0, 0, &got) < 0 ? -1 : 0;
	store_abort(t);
	rec_defaults(&rec_settings, &got);
	if (rc == 0 && (rc = rec_copy(&rec_settings, &got, &got, &keeping)) != 0)
		err_set(e, ERR_TOO_LARGE, NULL);
	arena_free(&reading);
	if (rc != 0) {
		arena_free(&keeping);
		return -1;
	}
	pthread_mutex_lock(&s->lock);
	arena_free(&s->arena);
	s->arena = keeping;
	s->s = got;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int
settings_now_get(struct settings_now *s, struct settings *ret, struct arena *a)
{
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = rec_copy(&rec_settings, ret, &s->s, a);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

enum compat_policy
settings_now_compat(struct settings_now *s, enum compat_resource r)
{
	enum compat_policy policy = compat_policy_FULL;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->s.compat.n; i++)
		if (s->s.compat.v[i].resource == (int)r)
			policy = (enum compat_policy)s->s.compat.v[i].policy;
	pthread_mutex_unlock(&s->lock);
	return policy;
}
