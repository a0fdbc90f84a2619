# The sled program: make -f src/sled/build.mk OUT=/somewhere
# CC, CFLAGS and LDFLAGS as given; run from the root of the tree.

CC ?= cc

sources := $(wildcard src/sled/*.c)
objects := $(patsubst src/sled/%.c,$(OUT)/sled.objs/%.o,$(sources))

warnings := -W -Wall -Wextra -Werror -Wpointer-arith -Wno-unused-parameter
libs := -lwebsockets -ljansson -lutil

$(OUT)/sled: $(objects)
	$(CC) $(LDFLAGS) -o $@.new $(objects) $(libs)
	mv $@.new $@

$(OUT)/sled.objs/%.o: src/sled/%.c src/sled/build.mk | $(OUT)/sled.objs
	$(CC) $(CFLAGS) $(warnings) -D_GNU_SOURCE -MMD -MP -c -o $@ $<

$(OUT)/sled.objs:
	mkdir -p $@

-include $(wildcard $(OUT)/sled.objs/*.d)
