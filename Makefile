# SPDX-License-Identifier: ISC
#
# One Makefile, no configure. Variables: CC, BUILD, DEBUG=1, SAN=address,undefined,
# WERROR=1, PORT and RUNDIR (make run). `make help` lists the targets.

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
# On all processors, unless there is a -j. Not with several goals, as in `make clean all`.
ifeq ($(MAKELEVEL),0)
ifneq ($(filter 0 1,$(words $(MAKECMDGOALS))),)
MAKEFLAGS += -j$(shell nproc)
endif
endif
# `make check` builds with sanitizers beside the release build; `make check-ci` tests the latter, and
# in the other what `make check` leaves out.
ifneq ($(filter check,$(MAKECMDGOALS)),)
SAN ?= address,undefined
BUILD ?= build/san
WERROR ?= 1
endif
BUILD ?= build
PREFIX ?= /usr
SYSCONFDIR ?= /etc
UNITDIR ?= /lib/systemd/system

# One short line a step; V=1 shows the commands.
ifneq ($(V),1)
.SILENT:
say = @printf '  %-5s %s\n' $(1) $(2)
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# --- flags ------------------------------------------------------------------
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wformat=2 -Wimplicit-fallthrough -fno-common
ifeq ($(WERROR),1)
WARN += -Werror
endif
ifneq ($(SAN),)
SAN_FLAGS := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
OPT := -O1 -g
SAN_OBJ = $(BUILD)/tests/lsan_default.o
else
SAN_FLAGS :=
OPT := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
ifeq ($(DEBUG),1)
OPT := -O0 -g3
endif
# Asked when it is used: the package may only just have been installed.
GLIB_CFLAGS = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags glib-2.0 2>/dev/null))
XML_CFLAGS := -isystem /usr/include/libxml2
CPPFLAGS := -D_GNU_SOURCE -I. -MMD -MP
CFLAGS := -std=c11 $(OPT) -fPIE -fstack-protector-strong -fstack-clash-protection $(WARN) $(SAN_FLAGS)
LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack $(SAN_FLAGS) $(SAN_OBJ)

include packaging/kore/kore.mk

# --- packages -------------------------------------------------------------------
# Nothing is compiled before what packages.txt lists is there.
PACKAGES := build/.packages
$(PACKAGES): packaging/packages.txt packaging/install-packages.sh
	packaging/install-packages.sh
	@mkdir -p $(@D)
	@touch $@
$(KORE_STAMP): | $(PACKAGES)

# --- what is made of what -----------------------------------------------------
TEXT_UNITS := budget json_read xml_read tree text json_sink xml_sink \
	card vcard vcard_line vcard_pick vcard_value vcard_write csv csv_write \
	text_list entry_card csv_record
DEV_UNITS := rec_dev
SANDBOX_UNITS := sandbox sandbox_syscalls
COMMON_SRC := $(filter-out $(patsubst %,common/%.c,$(TEXT_UNITS) $(DEV_UNITS) $(SANDBOX_UNITS)),\
	$(wildcard common/*.c))
TEXT_SRC := $(TEXT_UNITS:%=common/%.c)
DEV_SRC := $(wildcard $(DEV_UNITS:%=common/%.c))
CLIENT_SRC := ipc/client.c ipc/env.c ipc/feed.c ipc/endpoint.c ipc/zpl.c
SERVER_SRC := ipc/server.c ipc/accept.c ipc/zap.c ipc/socketfile.c ipc/cert.c
BACKEND_SRC := $(wildcard backend/*.c)
GATEWAY_SRC := $(wildcard gateway/*.c)
CTL_SRC := $(wildcard ctl/*.c)
# feeds/NAME_*.c are the program tandem-feed-NAME, with main() in feeds/NAME_main.c; what has no
# '_' in its name is the frame of all of them.
FEED_SRC := $(foreach f,$(wildcard feeds/*.c),$(if $(findstring _,$(notdir $(f))),,$(f)))
FEED_UNIT_SRC := $(filter-out $(FEED_SRC) %_main.c,$(wildcard feeds/*.c))
FEEDS := $(patsubst feeds/%_main.c,%,$(wildcard feeds/*_main.c))

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))

COMMON_LIB := $(BUILD)/libcommon.a
TEXT_LIB := $(BUILD)/libtext.a
CLIENT_LIB := $(BUILD)/libipcclient.a
SERVER_LIB := $(BUILD)/libipcserver.a
BACKEND_LIB := $(BUILD)/libbackend.a
DEV_LIB := $(BUILD)/libdev.a
SANDBOX_LIB := $(BUILD)/libsandbox.a
FEED_LIB := $(BUILD)/libfeeds.a
# Of all switches, for tests.
FEED_UNIT_LIB := $(BUILD)/libfeedunits.a

COMMON_LDLIBS := -lmsgpackc -linih -lm
TEXT_LDLIBS := -ljansson -lxml2
CLIENT_LDLIBS := -lzmq
SERVER_LDLIBS := -lczmq -lzmq
SANDBOX_LDLIBS := -lseccomp
BACKEND_LDLIBS := -ldb-5.3 -llmdb -lsodium -lutf8proc -lglib-2.0 $(SANDBOX_LDLIBS) -lpthread
CTL_LDLIBS := -lsodium -lcrypto
# What a program needs beyond that: NAME_LDLIBS.
kamailio_LDLIBS := -lsodium
FEED_LDLIBS := -lcurl $(SANDBOX_LDLIBS) -lpthread
janus_LDLIBS := -lmicrohttpd

PROGRAMS := $(BUILD)/tandem-backend $(if $(wildcard gateway/main.c),$(BUILD)/tandem-gateway) \
	$(if $(wildcard ctl/main.c),$(BUILD)/tandemctl) $(FEEDS:%=$(BUILD)/tandem-feed-%)

all: $(PROGRAMS)
$(PROGRAMS): | $(SAN_OBJ)

$(COMMON_LIB): $(call obj,$(COMMON_SRC))
$(TEXT_LIB): $(call obj,$(TEXT_SRC))
$(CLIENT_LIB): $(call obj,$(CLIENT_SRC))
$(SERVER_LIB): $(call obj,$(SERVER_SRC))
$(BACKEND_LIB): $(call obj,$(filter-out backend/main.c,$(BACKEND_SRC)))
$(DEV_LIB): $(call obj,$(DEV_SRC))
$(SANDBOX_LIB): $(call obj,$(SANDBOX_UNITS:%=common/%.c))
$(FEED_LIB): $(call obj,$(FEED_SRC))
$(FEED_UNIT_LIB): $(call obj,$(FEED_UNIT_SRC))
$(BUILD)/lib%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c | $(PACKAGES)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(CC) $(CPPFLAGS) $(XML_CFLAGS) $(CFLAGS) $(UNIT_CFLAGS) -c -o $@ $<

# Kore's pools pack their elements without regard to alignment.
$(call obj,$(GATEWAY_SRC)): UNIT_CFLAGS = $(KORE_CPPFLAGS) $(if $(SAN),-fno-sanitize=alignment)
$(call obj,$(GATEWAY_SRC)): | $(KORE_STAMP)
# Time zones; nothing else of it.
$(BUILD)/backend/zone.o: UNIT_CFLAGS = $(GLIB_CFLAGS)
# Its bytes are in the program.
$(BUILD)/gateway/openapi.o: docs/openapi.json

$(BUILD)/tandem-backend: $(BUILD)/backend/main.o $(BACKEND_LIB) $(SANDBOX_LIB) $(SERVER_LIB) $(CLIENT_LIB) $(COMMON_LIB)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -o $@ $^ $(BACKEND_LDLIBS) $(SERVER_LDLIBS) $(COMMON_LDLIBS)

$(BUILD)/tandem-gateway: $(call obj,$(GATEWAY_SRC)) $(KORE_LIB) $(CLIENT_LIB) $(TEXT_LIB) $(COMMON_LIB)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) $(KORE_LDFLAGS) -o $@ $(call obj,$(GATEWAY_SRC)) $(KORE_LDLIBS) $(CLIENT_LIB) \
		$(TEXT_LIB) $(COMMON_LIB) $(CLIENT_LDLIBS) $(TEXT_LDLIBS) $(COMMON_LDLIBS) -lpthread

$(BUILD)/tandemctl: $(call obj,$(CTL_SRC)) $(SERVER_LIB) $(CLIENT_LIB) $(TEXT_LIB) $(COMMON_LIB)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -o $@ $^ $(TEXT_LDLIBS) $(SERVER_LDLIBS) $(CTL_LDLIBS) $(COMMON_LDLIBS)

define feed_program
$(BUILD)/tandem-feed-$(1): $(call obj,$(wildcard feeds/$(1)_*.c)) $(FEED_LIB) $(SANDBOX_LIB) $(CLIENT_LIB) \
		$(TEXT_LIB) $(COMMON_LIB)
	$$(call say,LINK,$$@)
	$$(CC) $$(LDFLAGS) -o $$@ $$^ $$($(1)_LDLIBS) $$(FEED_LDLIBS) $$(CLIENT_LDLIBS) $$(TEXT_LDLIBS) \
		$$(COMMON_LDLIBS)
endef
$(foreach f,$(FEEDS),$(eval $(call feed_program,$(f))))

# --- running --------------------------------------------------------------------
PORT ?= 8443
RUNDIR ?=
run: $(PROGRAMS)
	@exec packaging/run.sh $(BUILD) $(PORT) $(RUNDIR)

# --- tests ------------------------------------------------------------------------
# tests/test_*.c are programs; of the other files in tests/ each program links what it uses.
KORE_TEST_SRC := $(filter-out tests/kore_constant.c,$(wildcard tests/kore_*.c))
RIG_SRC := $(filter-out tests/test_%.c tests/bench_%.c tests/store_crash.c tests/store_faults.c tests/kore_%.c tests/fake_backend.c tests/feed_puppet.c tests/conformance.c tests/lsan_default.c,\
	$(wildcard tests/*.c))
UNIT_TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(filter-out tests/test_kore.c,$(wildcard tests/test_*.c)))
TEST_PROGRAMS := $(UNIT_TESTS) $(BUILD)/tests/test_kore $(BUILD)/tests/kore_constant \
	$(BUILD)/tests/store_crash $(BUILD)/tests/fuzz_replay $(BUILD)/tests/fake_backend \
	$(BUILD)/tests/feed_puppet \
	$(BUILD)/tests/conformance $(BUILD)/gen_api
RIG_LIB := $(BUILD)/libtestrig.a
$(RIG_LIB): $(call obj,$(RIG_SRC))
CHECK_LDLIBS := -lcheck -lsubunit -lrt -lm -lpthread -lcurl -lssl -lcrypto -lz

# Gateway units that know no Kore can be tested without it.
GATEWAY_UNITS := $(BUILD)/libgatewayunits.a
$(GATEWAY_UNITS): $(call obj,$(patsubst %,gateway/%.c,accept card_body cors cred multipart openapi \
	preconditions query events pend req render confine walltime))
TEST_LIBS := $(RIG_LIB) $(BACKEND_LIB) $(FEED_UNIT_LIB) $(FEED_LIB) $(SANDBOX_LIB) $(SERVER_LIB) $(CLIENT_LIB) $(GATEWAY_UNITS) $(DEV_LIB) $(TEXT_LIB) \
	$(COMMON_LIB)
TEST_LDLIBS := $(foreach f,$(FEEDS),$($(f)_LDLIBS)) $(BACKEND_LDLIBS) $(SERVER_LDLIBS) $(TEXT_LDLIBS) $(COMMON_LDLIBS) $(CHECK_LDLIBS)

$(UNIT_TESTS) $(BUILD)/tests/store_crash $(BUILD)/tests/conformance: $(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_LIBS)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -o $@ $< $(FAULTS) $(TEST_LIBS) $(TEST_LDLIBS)

# Makes and looks at pictures by the library that the image process loads for itself.
$(BUILD)/tests/test_image: TEST_LDLIBS += -lgd

# Interposes write() and fdatasync(): only for those that ask for faults.
$(BUILD)/tests/fake_backend: $(BUILD)/tests/fake_backend.o $(SERVER_LIB) $(CLIENT_LIB) $(COMMON_LIB)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -o $@ $^ $(SERVER_LDLIBS) $(COMMON_LDLIBS)
$(BUILD)/tests/feed_puppet: $(BUILD)/tests/feed_puppet.o $(FEED_LIB) $(SANDBOX_LIB) $(CLIENT_LIB) $(COMMON_LIB)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -o $@ $^ $(FEED_LDLIBS) $(CLIENT_LDLIBS) $(COMMON_LDLIBS)
FAULT_TESTS := $(filter %/test_store_bdb %/test_store_disk %/test_store_lmdb %/test_store_snapshot %/test_writer,$(UNIT_TESTS))
$(FAULT_TESTS): $(call obj,tests/store_faults.c)
$(FAULT_TESTS): FAULTS = $(call obj,tests/store_faults.c)
# The crash laboratory. What is preloaded has no sanitizers.
FAULT_LAB := $(BUILD)/tests/powercut $(BUILD)/tests/iofault
TEST_PROGRAMS += $(FAULT_LAB) $(BUILD)/tests/recorder.so $(BUILD)/tests/meddle.so $(if $(SAN),,$(BUILD)/tests/nomemory)
$(FAULT_LAB): $(BUILD)/tests/%: $(BUILD)/tests/fault/%.o $(call obj,tests/fault/image.c tests/fault/scenario.c) \
		$(BACKEND_LIB) $(SANDBOX_LIB) $(SERVER_LIB) $(CLIENT_LIB) $(COMMON_LIB)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -rdynamic -o $@ $^ $(BACKEND_LDLIBS) $(SERVER_LDLIBS) $(COMMON_LDLIBS)
# Preloaded by programs that it starts.
$(BUILD)/tests/test_ci_faults: | $(BUILD)/tests/meddle.so
# It has malloc() itself, as sanitizers have.
$(BUILD)/tests/nomemory: $(call obj,$(patsubst %,tests/fault/%.c,nomemory image scenario)) $(TEST_LIBS)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -o $@ $^ $(TEST_LDLIBS)
$(BUILD)/tests/recorder.so: tests/fault/record.h
$(BUILD)/tests/meddle.so: tests/fault/meddle.h
$(BUILD)/tests/%.so: tests/fault/%.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(CC) $(CPPFLAGS) -std=c11 -O2 -g $(WARN) -fPIC -fvisibility=hidden -shared -o $@ $< -ldl -lpthread
$(call obj,tests/kore_constant.c): UNIT_CFLAGS = $(KORE_CPPFLAGS)
$(call obj,tests/kore_constant.c): | $(KORE_STAMP)
$(BUILD)/tests/kore_constant: $(call obj,tests/kore_constant.c) $(KORE_LIB)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) $(KORE_LDFLAGS) -o $@ $< $(KORE_LDLIBS) -lpthread
$(BUILD)/tests/test_kore: $(call obj,$(KORE_TEST_SRC) tests/test_kore.c tests/raw_tls.c tests/proc_memory.c)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -o $@ $^ $(CHECK_LDLIBS)

# --- benchmark ----------------------------------------------------------------------
BENCH_PROGRAMS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench_*.c))
$(BENCH_PROGRAMS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_LIBS)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -o $@ $< $(TEST_LIBS) $(TEST_LDLIBS)
ROUNDS ?= 3
SECONDS ?= 3
bench: $(PROGRAMS) $(BENCH_PROGRAMS) $(BUILD)/tests/kore_constant
	tests/bench/bench.sh $(BUILD) $(ROUNDS) $(SECONDS)
bench-phonebook: $(PROGRAMS) $(BENCH_PROGRAMS)
	tests/bench/phonebook.sh $(BUILD) $(SECONDS)
bench-kamailio: $(PROGRAMS) $(BENCH_PROGRAMS)
	TANDEM_BUILD=$(BUILD) TANDEM_BACKEND=$(BUILD)/tandem-backend TANDEMCTL=$(BUILD)/tandemctl \
		$(BUILD)/tests/bench_kamailio 300 10

bench-events: $(PROGRAMS) $(BUILD)/tests/bench_events
	tests/bench/events.sh $(BUILD)

bench-durable: $(PROGRAMS) $(BENCH_PROGRAMS)
	tests/bench/durable.sh $(BUILD)
MINUTES ?= 60
soak: $(PROGRAMS)
	tests/bench/soak.sh $(BUILD) $(MINUTES)

$(TEST_PROGRAMS): | $(SAN_OBJ)
check: $(PROGRAMS) $(TEST_PROGRAMS)
	tests/run.sh check $(BUILD)
test-programs: $(PROGRAMS) $(TEST_PROGRAMS)
check-ci: test-programs $(BUILD)/tests/bench_ids $(FUZZ_PROGRAMS)
	$(MAKE) SAN=address,undefined BUILD=$(BUILD)/san WERROR=1 test-programs
	tests/run.sh check-ci $(BUILD)
check-all: check-ci
	tests/run.sh check-all $(BUILD)

# --- fuzzing ---------------------------------------------------------------------------
# make fuzz T=json S=60: clang's libFuzzer on one target, starting from its corpus. New findings
# stay in build/fuzz/T; a crash becomes a file of tests/fuzz/corpus/T.
T ?= json
S ?= 60
FUZZ_SRC := $(COMMON_SRC) $(TEXT_SRC) $(DEV_SRC) ipc/env.c ipc/feed.c gateway/multipart.c backend/image_header.c \
	$(patsubst %,feeds/freeswitch_%.c,esl pairs call table state event conference list xmlcdr) \
	$(patsubst %,feeds/janus_%.c,message event table show sync apply) \
	feeds/kamailio_event.c
$(BUILD)/tests/fuzz_replay: $(call obj,tests/fuzz/replay.c $(wildcard tests/fuzz/fuzz_*.c)) $(TEST_LIBS)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -o $@ $^ $(TEST_LDLIBS)
FUZZ_SAN := address,undefined -fno-sanitize-recover=undefined
FUZZ_OBJ := $(FUZZ_SRC:%.c=build/fuzz/obj/%.o)
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
build/fuzz/obj/%.o: %.c | $(PACKAGES)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	clang -std=c11 -O1 -g -fsanitize=fuzzer-no-link,$(FUZZ_SAN) $(CPPFLAGS) $(XML_CFLAGS) -c -o $@ $<
$(FUZZ_PROGRAMS): build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o $(FUZZ_OBJ)
	$(call say,LINK,$@)
	clang -fsanitize=fuzzer,$(FUZZ_SAN) -o $@ $^ \
		$(foreach f,$(FEEDS),$($(f)_LDLIBS)) $(TEXT_LDLIBS) $(COMMON_LDLIBS)
fuzz: build/fuzz/fuzz_$(T)
	tests/fuzz/run.sh $(T) $(S)

# --- documents, formatting -----------------------------------------------------------------
# docs/openapi.json and docs/api.md follow from the tables; both are committed.
$(BUILD)/gen_api: $(call obj,$(wildcard docs/gen_*.c)) $(TEXT_LIB) $(COMMON_LIB)
	$(call say,LINK,$@)
	$(CC) $(LDFLAGS) -o $@ $^ $(TEXT_LDLIBS) $(COMMON_LDLIBS)
doc: $(BUILD)/gen_api
	$(BUILD)/gen_api docs
	$(MAKE) $(PROGRAMS)
	tests/test_docs.sh $(BUILD)

format:
	clang-format -i $$(git ls-files "*.c" "*.h")

# One entry a file, from the commands that make would run.
compile_commands.json: Makefile
	@$(MAKE) -Bn V=1 all 2>/dev/null | awk -v dir='$(CURDIR)' \
		'/ -c -o / && / [a-z_\/]*\.c$$/ { gsub(/"/, "\\\""); \
		printf "%s{\"directory\":\"%s\",\"file\":\"%s\",\"command\":\"%s\"}", n++ ? ",\n" : "[", dir, $$NF, $$0 } \
		END { print "]" }' >$@

# --- installation ------------------------------------------------------------------------------
MANPAGES := $(wildcard docs/man/*.[1-8])
install: $(PROGRAMS)
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(SYSCONFDIR)/tandem \
		$(DESTDIR)$(UNITDIR) $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d \
		$(DESTDIR)$(PREFIX)/share/doc/tandem/kamailio
	install -m 755 $(BUILD)/tandem-backend $(BUILD)/tandem-gateway $(FEEDS:%=$(BUILD)/tandem-feed-%) \
		$(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(BUILD)/tandemctl $(DESTDIR)$(PREFIX)/bin
	[ -e $(DESTDIR)$(SYSCONFDIR)/tandem/tandem.conf ] || \
		install -m 644 etc/tandem.conf $(DESTDIR)$(SYSCONFDIR)/tandem
	install -m 644 packaging/systemd/*.service $(DESTDIR)$(UNITDIR)
	install -m 644 packaging/systemd/tandem.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/tandem.conf
	install -m 644 packaging/systemd/tandem.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/tandem.conf
	install -d $(DESTDIR)$(PREFIX)/share/doc/tandem/janus
	install -m 644 etc/janus/* $(DESTDIR)$(PREFIX)/share/doc/tandem/janus
	install -d $(DESTDIR)$(PREFIX)/share/doc/tandem/freeswitch
	install -m 644 etc/freeswitch/* $(DESTDIR)$(PREFIX)/share/doc/tandem/freeswitch
	install -m 644 README.md LICENSE NOTICE SECURITY.md CHANGELOG $(wildcard docs/*.md) \
		$(DESTDIR)$(PREFIX)/share/doc/tandem
	install -m 644 etc/kamailio/*.cfg $(DESTDIR)$(PREFIX)/share/doc/tandem/kamailio
	for m in $(MANPAGES); do \
		d=$(DESTDIR)$(PREFIX)/share/man/man$${m##*.}; install -d $$d && install -m 644 $$m $$d || exit 1; \
	done

help:
	@echo 'all run check check-ci check-all fuzz bench bench-phonebook bench-events bench-kamailio bench-durable soak doc format compile_commands.json install clean'
	@echo 'variables: CC SAN=address,undefined DEBUG=1 WERROR=1 BUILD PORT RUNDIR (run) T S (fuzz)'
	@echo '           ROUNDS SECONDS (bench) DESTDIR PREFIX (install)'

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all run check check-ci check-all test-programs fuzz bench bench-phonebook bench-events bench-kamailio bench-durable soak doc format install help clean
