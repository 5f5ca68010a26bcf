/* SPDX-License-Identifier: ISC */
#include "tests/fault/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 512, PAGE = 4096, SECTOR = 512 };

const char *const image_classes[CLASSES] = {"nothing unflushed", "everything", "some of it",
    "the later of it", "torn at 4096", "log torn at 512", "pages torn at 512"};

struct content {
	char **pages; /* NULL = zeros */
	size_t npages;
	uint64_t size;
};

struct change {
	struct record r;
	const char *data;
};

struct file {
	char name[64]; /* "" = it has none */
	struct content on_disk;
	struct change *changes;
	size_t n, room;
};

struct image {
	struct file files[FILES];
};

static void *
must(void *p)
{
	if (p == NULL) {
		fprintf(stderr, "image: out of memory\n");
		exit(2);
	}
	return p;
}

struct image *
image_new(void)
{
	return must(calloc(1, sizeof(struct image)));
}

static void
content_free(struct content *c)
{
	for (size_t i = 0; i < c->npages; i++)
		free(c->pages[i]);
	free(c->pages);
}

void
image_free(struct image *im)
{
	for (size_t i = 0; i < FILES; i++) {
		content_free(&im->files[i].on_disk);
		free(im->files[i].changes);
	}
	free(im);
}

static void
put(struct content *c, uint64_t at, const char *p, uint64_t n)
{
	while (n > 0) {
		size_t page = at / PAGE, from = at % PAGE, part = PAGE - from < n ? PAGE - from : n;

		if (page >= c->npages) {
			c->pages = must(realloc(c->pages, (page + 1) * sizeof(*c->pages)));
			memset(c->pages + c->npages, 0, (page + 1 - c->npages) * sizeof(*c->pages));
			c->npages = page + 1;
		}
		if (c->pages[page] == NULL)
			c->pages[page] = must(calloc(1, PAGE));
		memcpy(c->pages[page] + from, p, part);
		at += part;
		p += part;
		n -= part;
		if (at > c->size)
			c->size = at;
	}
}

static void
resize(struct content *c, uint64_t size)
{
	size_t whole = (size + PAGE - 1) / PAGE;

	for (size_t i = whole; i < c->npages; i++) {
		free(c->pages[i]);
		c->pages[i] = NULL;
	}
	if (size % PAGE != 0 && whole > 0 && whole <= c->npages && c->pages[whole - 1] != NULL)
		memset(c->pages[whole - 1] + size % PAGE, 0, PAGE - size % PAGE);
	c->size = size;
}

static uint64_t
next(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void
change(struct content *c, const struct change *ch)
{
	if (ch->r.op == RECORD_TRUNCATE)
		resize(c, ch->r.at);
	else
		put(c, ch->r.at, ch->data, ch->r.len);
}

/* Each block of a write or not. */
static void
tear(struct content *c, const struct change *ch, size_t block, uint64_t *seed)
{
	uint64_t at = ch->r.at, end = at + ch->r.len;

	if (ch->r.op == RECORD_TRUNCATE) {
		if (next(seed) & 1)
			change(c, ch);
		return;
	}
	while (at < end) {
		uint64_t to = (at / block + 1) * block < end ? (at / block + 1) * block : end;

		if (next(seed) & 1)
			put(c, at, ch->data + (at - ch->r.at), to - at);
		at = to;
	}
}

static bool
is_log(const char *name)
{
	return strncmp(name, "log.", 4) == 0 || strcmp(name, "mark") == 0;
}

static void
change_some(const struct file *f, struct content *c, enum image_class class, uint64_t *seed)
{
	size_t from = class == IMAGE_LATE ? next(seed) % (f->n + 1) : 0;

	for (size_t i = from; i < f->n; i++) {
		if (class == IMAGE_TORN_4096)
			tear(c, &f->changes[i], PAGE, seed);
		else if (class == IMAGE_TORN_LOG)
			tear(c, &f->changes[i], is_log(f->name) ? SECTOR : PAGE, seed);
		else if (class == IMAGE_TORN_PAGES)
			tear(c, &f->changes[i], SECTOR, seed);
		else if (class != IMAGE_SOME || (next(seed) & 1) != 0)
			change(c, &f->changes[i]);
	}
}

void
image_apply(struct image *im, const struct record *r, const char *data)
{
	struct file *f = &im->files[r->file % FILES];

	switch ((enum record_op)r->op) {
	case RECORD_NAME:
		snprintf(f->name, sizeof(f->name), "%.*s", (int)r->len, data);
		break;
	case RECORD_UNNAME:
		f->name[0] = '\0';
		break;
	case RECORD_WRITE:
	case RECORD_TRUNCATE:
		if (f->n == f->room) {
			f->room = f->room * 2 + 16;
			f->changes = must(realloc(f->changes, f->room * sizeof(*f->changes)));
		}
		f->changes[f->n++] = (struct change){*r, data};
		break;
	case RECORD_SYNC:
		for (size_t i = 0; i < f->n; i++)
			change(&f->on_disk, &f->changes[i]);
		f->n = 0;
		break;
	case RECORD_ACK:
		break;
	}
}

static void
copy(struct content *to, const struct content *from)
{
	*to =
	    (struct content){must(calloc(from->npages + 1, sizeof(char *))), from->npages, from->size};
	for (size_t i = 0; i < from->npages; i++)
		if (from->pages[i] != NULL)
			to->pages[i] = memcpy(must(malloc(PAGE)), from->pages[i], PAGE);
}

static void
write_file(int dirfd, const char *name, const struct content *c)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool good = fd >= 0 && ftruncate(fd, (off_t)c->size) == 0;

	for (size_t i = 0; good && i < c->npages && i * PAGE < c->size; i++) {
		size_t n = c->size - i * PAGE < PAGE ? c->size - i * PAGE : PAGE;

		if (c->pages[i] != NULL)
			good = pwrite(fd, c->pages[i], n, (off_t)(i * PAGE)) == (ssize_t)n;
	}
	if (!good) {
		fprintf(stderr, "image: %s: %s\n", name, strerror(errno));
		exit(2);
	}
	close(fd);
}

bool
image_make(struct image *im, enum image_class class, uint64_t seed, const char *dir)
{
	bool changed = class == IMAGE_NONE;
	int fd;

	for (size_t i = 0; i < FILES && !changed; i++)
		changed = im->files[i].name[0] != '\0' && im->files[i].n > 0;
	if (!changed)
		return false;
	if (mkdir(dir, 0700) != 0 || (fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		fprintf(stderr, "image: %s: %s\n", dir, strerror(errno));
		exit(2);
	}
	for (size_t i = 0; i < FILES; i++) {
		const struct file *f = &im->files[i];
		struct content c;

		if (f->name[0] == '\0')
			continue;
		copy(&c, &f->on_disk);
		if (class != IMAGE_NONE)
			change_some(f, &c, class, &seed);
		write_file(fd, f->name, &c);
		content_free(&c);
	}
	close(fd);
	return true;
}

void
image_remove(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	(void)rmdir(dir);
}
