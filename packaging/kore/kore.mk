# SPDX-License-Identifier: ISC
#
# Kore as a library: the source that Debian's package "kore" ships, plus our
# patch queue, without kore's own main(). Included by the top Makefile, which
# sets BUILD, CC, AR and, for a sanitizer build, SAN_FLAGS.
#
#   $(KORE_LIB)       the archive; link the whole of it, handlers are found by dlsym()
#   $(KORE_STAMP)     order-only prerequisite of everything that includes kore's headers
#   $(KORE_CPPFLAGS)  for our sources, so that they see the structures kore was built with
#   $(KORE_LDFLAGS), $(KORE_LDLIBS)

KORE_DIST ?= /usr/share/kore
KORE_QUEUE := packaging/kore
KORE_PATCHES := $(shell sed -e 's|^|$(KORE_QUEUE)/|' $(KORE_QUEUE)/series)
KORE_TREE := $(BUILD)/kore-src
KORE_STAMP := $(KORE_TREE)/.patched
KORE_LIB := $(BUILD)/kore/libkore.a

# No pgsql, tasks, curl, python, acme or jsonrpc. json.c is not needed by the rest.
KORE_UNITS := accesslog auth buf config connection domain filemap fileref http keymgr kore \
	linux mem module msg net pool runtime seccomp timer utils validator websocket worker
KORE_OBJS := $(KORE_UNITS:%=$(BUILD)/kore/%.o) $(BUILD)/kore/version.o

KORE_CPPFLAGS := -D_GNU_SOURCE -isystem $(KORE_TREE)/include
KORE_LDFLAGS := -rdynamic
KORE_LDLIBS := -Wl,--whole-archive $(KORE_LIB) -Wl,--no-whole-archive -lssl -lcrypto -ldl

KORE_CFLAGS := -std=c99 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O2 -g -fPIE \
	-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -w \
	-DPREFIX='"/usr"' -I$(KORE_TREE)/include/kore -I$(BUILD)/kore

# The runtime of a sanitizer makes system calls of its own at any time, and Kore's pools pack
# their elements without regard to alignment.
ifneq ($(strip $(SAN_FLAGS)),)
KORE_CFLAGS += -U_FORTIFY_SOURCE $(SAN_FLAGS) -fno-sanitize=alignment \
	-DSECCOMP_KILL_POLICY=SECCOMP_RET_ALLOW
endif

$(KORE_STAMP): $(KORE_QUEUE)/series $(KORE_PATCHES)
	rm -rf $(KORE_TREE)
	mkdir -p $(KORE_TREE)
	cp -R $(KORE_DIST)/src $(KORE_DIST)/include $(KORE_DIST)/misc $(KORE_DIST)/RELEASE $(KORE_TREE)
	for p in $(KORE_PATCHES); do patch -p1 -s -d $(KORE_TREE) < $$p || exit 1; done
	touch $@

$(BUILD)/kore/platform.h: $(KORE_STAMP)
	mkdir -p $(@D)
	sh $(KORE_TREE)/misc/linux-platform.sh > $@.tmp
	mv $@.tmp $@

$(BUILD)/kore/version.c: $(KORE_STAMP)
	mkdir -p $(@D)
	printf 'const char *kore_version = "%s-tandem";\n' "$$(cat $(KORE_TREE)/RELEASE)" > $@

$(BUILD)/kore/version.o: $(BUILD)/kore/version.c
	$(CC) $(KORE_CFLAGS) -c -o $@ $<

# kore.c has the only main(), which our program calls once it has written the configuration.
$(BUILD)/kore/kore.o: KORE_UNIT_CFLAGS := -Dmain=kore_main

$(KORE_UNITS:%=$(BUILD)/kore/%.o): $(BUILD)/kore/%.o: $(KORE_STAMP) $(BUILD)/kore/platform.h \
		$(KORE_QUEUE)/kore.mk
	$(CC) $(KORE_CFLAGS) $(KORE_UNIT_CFLAGS) -c -o $@ $(KORE_TREE)/src/$*.c

$(KORE_LIB): $(KORE_OBJS)
	rm -f $@
	$(AR) rcs $@ $(KORE_OBJS)
