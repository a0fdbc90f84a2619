# The sled program: make -f src/sled/build.mk OUT=/somewhere
# CC, CFLAGS and LDFLAGS as given; run from the root of the tree.

CC ?= cc

sources := $(wildcard src/sled/*.c)
objects := $(patsubst src/sled/%.c,$(OUT)/sled.objs/%.o,$(sources))

warnings := -W -Wall -Wextra -Werror -Wpointer-arith -Wno-unused-parameter
libs := -lwebsockets -ljansson -lcrypto -lutil

$(OUT)/sled: $(objects)
	$(CC) $(LDFLAGS) -o $@.new $(objects) $(libs)
	mv $@.new $@

$(OUT)/sled.objs/%.o: src/sled/%.c src/sled/build.mk | $(OUT)/sled.objs
	$(CC) $(CFLAGS) $(warnings) -D_GNU_SOURCE -I$(OUT)/sled.objs -MMD -MP -c -o $@ $<

# the agent of sled ssh, as the numbers of its bytes

$(OUT)/sled.objs/agent.inc: src/sled/agent.py | $(OUT)/sled.objs
	od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' > $@.new
	mv $@.new $@

$(OUT)/sled.objs/ssh.o: $(OUT)/sled.objs/agent.inc

$(OUT)/sled.objs:
	mkdir -p $@

-include $(wildcard $(OUT)/sled.objs/*.d)
