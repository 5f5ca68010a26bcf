/* SPDX-License-Identifier: ISC */
/*
 * bench_directory [rows [directory [MiB]]]: a book of that many entries (default 100,000) and 5,000
 * users in the everyone book: puts in batches of 256 per durable transaction, pages, filtered
 * pages and searches, with a cache of 64 MiB or as said. The directory must be
 * on the disk to be measured.
 *
 * bench_directory fill ROWS HOME: only the books, in a directory that stays.
 * bench_directory page ROWS HOME: one page of 100 rows, deep in that book, read for the second
 * time, for counting its instructions:
 *
 *   for n in 1000 100000; do
 *     build/tests/bench_directory fill $n /tmp/book-$n
 *     valgrind --tool=callgrind --callgrind-out-file=/dev/null \
 *       --toggle-collect=measured_page build/tests/bench_directory page $n /tmp/book-$n; done
 *
 * bench_directory filter ROWS HOME TEXT: filtered pages of that book beside two others.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/directory.h"
#include "backend/fold.h"
#include "backend/key.h"

enum { BATCH = 256, PUBLIC = 9, PRIVATE = 12, USERS = 5000, RECORD = 300, LOOPS = 100 };

static struct store *store;
static struct arena mem;
static struct err err;
static char dir[200];

void measured_page(struct model *m, const uint32_t *books, size_t n, uint64_t start);

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "bench_directory: %s: %s\n", what, err_text(&err));
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct model
begin(enum store_mode mode)
{
	struct model m = {.a = &mem, .e = &err, .tenant = TENANT_DEFAULT};

	if (store_begin(store, mode, &m.t, &err) != 0)
		die("begin");
	arena_init(&mem, 8 << 20);
	return m;
}

static void
end(struct model *m)
{
	if (store_commit(m->t, &err) != 0)
		die("commit");
	arena_free(&mem);
}

/* What this thread used: other programs on the machine do not count. */
static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Spreads numbers over the whole book: entries do not come in order. */
static unsigned
spread(unsigned i)
{
	return (unsigned)((uint64_t)i * 2654435761U % 9999991U);
}

static void
put_one(struct model *m, uint32_t book, enum directory_kind kind, unsigned i)
{
	static const char *const firsts[] = {"Anna", "Bela", "Carl", "Dora", "Emil", "Frieda", "Gustav",
	    "Hanna", "Igor", "Jana", "Karl", "Lena", "Moritz", "Nina", "Otto", "Paula"};
	char number[16], last[32], email[64], company[32], cell[24];
	struct str more[3] = {{company, 0}, STR_LIT("Technician"), {cell, 0}};
	struct directory_item item = {.kind = kind, .id = i + 1, .fields = more, .nfields = 3};
	const char *first = firsts[i % 16];
	unsigned s = spread(i);

	item.number = (struct str){number, (size_t)snprintf(number, sizeof(number), "%07u", s)};
	item.first = str_c(first);
	item.last = (struct str){last, (size_t)snprintf(last, sizeof(last), "Last%05u", s % 50021)};
	item.email =
	    (struct str){email, (size_t)snprintf(email, sizeof(email), "%s.%u@mail.example", first, s)};
	more[0].n = (size_t)snprintf(company, sizeof(company), "Company %u", s % 977);
	more[2].n = (size_t)snprintf(cell, sizeof(cell), "+49 170 %07u", s * 7 % 9999991U);
	if (directory_put(m, book, &item) != 0)
		die("put");
}

/* The rows that a caller writes beside: the record and two of its indices. */
static void
put_record(struct model *m, uint32_t book, unsigned i)
{
	char record[RECORD] = "";
	struct key k;

	key_id(&k, m->tenant, book, 18, i + 1);
	if (store_put(m->t, STORE_DATA, key_str(&k), (struct str){record, sizeof(record)}, &err) != 0)
		die("record");
	for (uint16_t kind = 18; kind < 20; kind++) {
		key_id(&k, m->tenant, OWNER_SYSTEM, kind, i + 1);
		if (store_put(m->t, STORE_INDEX, key_str(&k), (struct str){record, 4}, &err) != 0)
			die("index");
	}
}

static void
fill(uint32_t book, enum directory_kind kind, unsigned n, bool records)
{
	double t0 = now(), c0 = cpu(), slowest = 0, in_put = 0;

	for (unsigned i = 0; i < n;) {
		struct model m = begin(STORE_WRITE);
		double t1 = now();

		for (unsigned k = 0; k < BATCH && i < n; k++, i++) {
			double t2 = cpu();

			put_one(&m, book, kind, i);
			in_put += cpu() - t2;
			if (records)
				put_record(&m, book, i);
		}
		end(&m);
		slowest = now() - t1 > slowest ? now() - t1 : slowest;
		/* As the maintenance thread does. */
		if (i % (BATCH * 40) == 0 && store_checkpoint(store, 64 << 20, &err) != 0)
			die("checkpoint");
	}
	printf("%u items%s: %.0f/s (%.0f per second of CPU), %.1f us of CPU a put, slowest batch"
	       " %.1f ms\n",
	    n, records ? " with records" : "", n / (now() - t0), n / (cpu() - c0), in_put / n * 1e6,
	    slowest * 1e3);
}

static int
count(void *arg, const struct directory_hit *hit, struct str key)
{
	(void)hit;
	*(size_t *)arg += key.n > 0;
	return 0;
}

static void
read_page(struct model *m, const uint32_t *books, size_t n, uint64_t start)
{
	struct directory_view *v;
	uint64_t size;
	size_t rows = 0;

	if (directory_view_open(m, books, n, &v) != 0 ||
	    directory_sized_page(v, start, start + 100, &size, count, &rows) != 0 || rows != 100)
		die("page");
}

__attribute__((noinline)) void
measured_page(struct model *m, const uint32_t *books, size_t n, uint64_t start)
{
	read_page(m, books, n, start);
}

static void
time_pages(const char *what, const uint32_t *books, size_t n, uint64_t start)
{
	double best = 1e9;

	for (int i = 0; i < LOOPS; i++) {
		struct model m = begin(STORE_READ);
		double t0 = now();

		measured_page(&m, books, n, start);
		best = now() - t0 < best ? now() - t0 : best;
		end(&m);
	}
	printf("page of 100 rows and the size, %s: %.3f ms\n", what, best * 1e3);
}

static void
time_filter(const uint32_t *books, size_t n, const char *text)
{
	double best = 1e9, worst = 0, used = 0;
	uint64_t found = 0;

	for (int i = 0; i < LOOPS; i++) {
		struct model m = begin(STORE_READ);
		struct directory_view *v;
		size_t rows = 0;
		double t0 = now(), c0 = cpu(), took;

		if (directory_view_open(&m, books, n, &v) != 0 ||
		    directory_filter(v, str_c(text), 0, 100, &found, count, &rows) != 0)
			die("filter");
		took = now() - t0;
		best = took < best ? took : best;
		used += cpu() - c0;
		worst = took > worst ? took : worst;
		end(&m);
	}
	printf("filter \"%s\" in %zu books, %lu rows: %.2f ms, worst %.2f ms, %.2f ms of CPU\n", text,
	    n, (unsigned long)found, best * 1e3, worst * 1e3, used / LOOPS * 1e3);
}

static void
time_search(const uint32_t *books, size_t n, const char *text)
{
	double best = 1e9;
	size_t rows = 0;

	for (int i = 0; i < LOOPS; i++) {
		struct model m = begin(STORE_READ);
		struct directory_view *v;
		double t0 = now();

		rows = 0;
		if (directory_view_open(&m, books, n, &v) != 0 ||
		    directory_search(v, str_c(text), DIRECTORY_HITS_MAX, count, &rows) != 0)
			die("search");
		best = now() - t0 < best ? now() - t0 : best;
		end(&m);
	}
	printf("search \"%s\" in %zu books, %zu hits: %.3f ms\n", text, n, rows, best * 1e3);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static void
fill_all(unsigned rows, bool records)
{
	fill(PUBLIC, DIRECTORY_ENTRY, rows, records);
	fill(PRIVATE, DIRECTORY_ENTRY, 200, records);
	fill(OWNER_SYSTEM, DIRECTORY_USER, USERS, false);
}

static void
measure(unsigned rows)
{
	static const uint32_t books[] = {PUBLIC, PRIVATE, OWNER_SYSTEM};
	struct model m;
	double t0;

	fill_all(rows, true);
	time_pages("first, one book", books, 1, 0);
	time_pages("deep, one book", books, 1, rows - rows / 4);
	time_pages("deep, with a private book of 200", books, 2, rows - rows / 4);
	time_pages("deep, with 5,000 users too", books, 3, rows - rows / 4);
	time_filter(books, 3, "last0001");
	time_filter(books, 3, "55");
	time_filter(books, 3, "a");
	time_filter(books, 3, "nothing");
	time_filter(books, 1, "a");
	time_search(books, 3, "last0001");
	time_search(books, 3, "anna last0");
	time_search(books, 3, "anna");
	time_search(books, 3, "company 1");
	time_search(books, 3, "nothing");
	t0 = now();
	m = begin(STORE_WRITE);
	if (directory_clear(&m, PUBLIC) != 0)
		die("clear");
	end(&m);
	printf("clearing the book: %.0f ms\n", (now() - t0) * 1e3);
}

static void
count_page(unsigned rows)
{
	static const uint32_t books[] = {PUBLIC};
	struct model m = begin(STORE_READ);

	/* Reading and checking pages that are not in the cache is another matter. */
	read_page(&m, books, 1, rows - rows / 4);
	measured_page(&m, books, 1, rows - rows / 4);
	end(&m);
}

int
main(int argc, char **argv)
{
	bool to_fill = argc > 3 && strcmp(argv[1], "fill") == 0;
	bool page = argc > 3 && strcmp(argv[1], "page") == 0;
	bool filter = argc > 4 && strcmp(argv[1], "filter") == 0;
	static const uint32_t books[] = {PUBLIC, PRIVATE, OWNER_SYSTEM};
	unsigned rows =
	    (unsigned)strtoul(argc > 1 ? argv[page || to_fill || filter ? 2 : 1] : "100000", NULL, 10);
	char home[256];
	struct store_conf conf = {.engine = "bdb", .dir = home, .cache_bytes = 64 << 20};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (page || to_fill || filter) {
		snprintf(home, sizeof(home), "%.200s", argv[3]);
	} else {
		if (argc > 3)
			conf.cache_bytes = strtoul(argv[3], NULL, 10) << 20;
		snprintf(dir, sizeof(dir), "%.150s/tandem-bench.XXXXXX", argc > 2 ? argv[2] : "/tmp");
		if (mkdtemp(dir) == NULL)
			die(dir);
		snprintf(home, sizeof(home), "%s/db", dir);
	}
	if (store_open(&store, &conf, &err) != 0)
		die("open");
	if (to_fill)
		fill_all(rows, false);
	else if (page)
		count_page(rows);
	else if (filter)
		time_filter(books, 3, argv[4]);
	else
		measure(rows);
	store_close(store);
	if (dir[0] != '\0')
		nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
