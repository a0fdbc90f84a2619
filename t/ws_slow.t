#!/usr/bin/perl

# A client that does not read: bounded memory, nothing lost when it reads
# again, send_timeout when it does not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Socket qw(SOL_SOCKET SO_SNDBUF);
use Time::HiRes qw(time sleep);
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOF', workers => 1)->run;
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%% sndbuf=16k rcvbuf=16k;
        uplink_send_buffer 256k;

        location /echo { uplink_echo; }
        location /hurry { send_timeout 500ms; uplink_echo; }
        location /patient { send_timeout 2s; uplink_echo; }
    }
EOF

my ($text, $binary, $ping, $pong) = (1, 2, 9, 10);
my $f = bless {}, 'Uplink::WS';
my ($pid) = $t->workers;

sub memory {
    my ($kb) = $t->read_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
    return $kb;
}

sub connection {
    my ($path) = @_;

    my $ws = $t->ws($path, rcvbuf => 8192, limit => 30);

    setsockopt $ws->handle, SOL_SOCKET, SO_SNDBUF, 16384;

    return $ws;
}

# writes until the socket takes no more: how much it took

sub stuff {
    my ($ws, $stream) = @_;

    my $done = 0;
    my $select = IO::Select->new($ws->handle);

    while ($done < length $stream && $select->can_write(0.3)) {
        my $n = syswrite $ws->handle, $stream, 65536, $done;
        last if !defined $n && !$!{EAGAIN};
        $done += $n // 0;
    }

    return $done;
}

# is there a whole frame to read?

sub whole {
    my ($ws) = @_;

    my $have = length $ws->{buffer};
    return if $have < 2;

    my $n = unpack 'xC', $ws->{buffer};
    return $have >= 2 + $n if $n < 126;
    return $have >= 4 && $have >= 4 + unpack 'x2n', $ws->{buffer};
}

# ---- more than all buffers hold, of three sizes; then everything comes back

for my $case ([60000, 100], [1500, 2000], [64, 20000]) {
    my ($size, $count) = @$case;

    my $ws = connection('/echo');
    my @messages = map { my $n = sprintf '%08d', $_;
        $n . substr('abcdefghijklmnopqrstuvwxyz' x 2400, 0, $size - 8) }
        1 .. $count;
    my $stream = join '', map { $f->frame($text, $_) } @messages;

    my $before = memory();
    my $done = stuff($ws, $stream);

    cmp_ok($done, '<', length $stream, "$size: it stops reading");

    SKIP: {
        skip 'memory is another with sanitizers', 1
            if $ENV{UPLINK_SAN} || $ENV{UPLINK_VALGRIND};

        # the queue's bound, the message that did not fit, what was read

        cmp_ok(memory() - $before, '<', 1024, "$size: and takes no more")
            or diag "before: $before kB";
    }

    # now read, and write the rest as room comes

    my $wrong = 0;

    for my $expected (@messages) {
        my $m;

        until ($m = eval { $ws->{buffer} ne '' && $ws->recv(0.01) }) {
            $done += syswrite($ws->handle, $stream, 65536, $done) // 0
                if $done < length $stream;
            defined $ws->fill(0.01) or last;
        }

        $wrong++ if !$m || $m->{payload} ne $expected;
        last if $wrong > 3;
    }

    is($wrong, 0, "$size: all of it comes back, in order");
    ok($ws->goodbye, "$size: and the end");
}

# ---- pings while nobody reads: the newest is answered, memory is bounded

my $ws = connection('/echo');
my $before = memory();
my $count = 20000;
my $written = 0;

for my $i (1 .. $count) {
    $ws->write($f->frame($ping, sprintf '%06d%s', $i, 'x' x ($i % 113)))
        or last;
    $written = $i;

    # now and then a little is read, so that it blocks again and again

    sysread $ws->handle, $ws->{buffer}, 8000, length $ws->{buffer}
        if $i % 200 == 0;
}

is($written, $count, 'all pings are read');

SKIP: {
    skip 'memory is another with sanitizers', 1
        if $ENV{UPLINK_SAN} || $ENV{UPLINK_VALGRIND};

    cmp_ok(memory() - $before, '<', 256, 'pings cost nothing');
}

my ($last, $pongs, $order) = (0, 0, 1);

while ($last < $count) {
    my $got = $ws->recv_frame or last;
    my ($n) = $got->{payload} =~ /^(\d{6})x*$/;

    $order &&= $got->{opcode} == $pong && $n && $n > $last
        && length $got->{payload} == 6 + $n % 113;
    last if !$order;
    $last = $n;
    $pongs++;
}

is($last + 0, $count, 'the newest ping is answered');
ok($order, 'in order');
cmp_ok($pongs, '<', $count, 'not every one of them');
$ws->send_text('still fine');
is(($ws->recv // {})->{payload}, 'still fine', 'and it goes on');

# ---- control frames overtake

$ws = connection('/echo');

my @messages = map { sprintf '%04d%s', $_, 'm' x 1000 } 1 .. 200;

$ws->send_raw(join '', map { $f->frame($text, $_) } @messages);
$ws->send_ping('overtaking');

# many turns of the one worker, so that it has read the ping before we read

my $neighbour = $t->ws('/echo');
$neighbour->quiet for 1 .. 50;

my ($at, @got);

while (@got < @messages) {
    my $frame = $ws->recv_frame or last;

    if ($frame->{opcode} == $pong) {
        is($frame->{payload}, 'overtaking', 'a pong');
        $at = @got;
        next;
    }

    push @got, $frame->{payload};
}

ok(join(',', @got) eq join(',', @messages), 'the messages are whole');
cmp_ok($at // 999, '<', 190, 'the pong came before the last of them');

# a close does not

$ws = connection('/echo');
$ws->send_raw(join '', map({ $f->frame($text, $_) } @messages),
    $f->frame(8, pack 'n', 1000));
is(scalar(grep { (($ws->recv // {})->{payload} // '') eq $_ } @messages), 200,
    'all messages');
$ws->expect_close(1000, 'come before the close', answer => 0);

# ---- a storm: the socket blocks at any byte of any frame

my (%seen, %count, $wrong, $fly);

sub arrived {
    my ($frame) = @_;

    my $opcode = $frame->{opcode};
    my ($n, $rest) = $frame->{payload} =~ /^(\d{6})(x*)$/;

    $wrong //= "opcode $opcode after " . ($seen{$opcode} // 'nothing')
        if !$n || $n <= ($seen{$opcode} // 0);

    $seen{$opcode} = $n;
    $count{$opcode}++;
    $fly -= length($rest // '') if $opcode == $text;

    return;
}

srand 7;

for my $share (0.3, 0.9) {
    my $texts = 1;

    (%seen, %count, $wrong) = ();
    $fly = 0;
    $ws = connection('/echo');

    for my $i (1 .. 8000) {
        my $opcode = rand() < $share ? $ping : $text;
        my $size = int rand($opcode == $ping ? 118
            : rand() < 0.9 ? 300 : 9000);

        $ws->write($f->frame($opcode, sprintf '%06d%s', $i, 'x' x $size))
            or last;

        if ($opcode == $text) {
            $texts++;
            $fly += $size;
        }

        next if $fly < 200000 * rand() && $i % 100;

        # what comes first, a part of a frame with it

        sysread $ws->handle, $ws->{buffer}, 1 + int rand 4000,
            length $ws->{buffer};

        arrived($ws->recv_frame) while !$wrong && whole($ws);
    }

    $ws->send_text('999999');

    while (!$wrong && ($seen{$text} // 0) != 999999) {
        arrived($ws->recv_frame || last);
    }

    is($wrong, undef, "$share pings: every frame is whole, and in order");
    is($count{$text}, $texts, 'no message is missing');
    cmp_ok($count{$pong} // 0, '>', 0, 'nor are all the pongs');
    ok($ws->goodbye(1000, 20), 'and the end');
}

# ---- send_timeout

$ws = connection('/hurry');

my $start = time;

stuff($ws, join '', map { $f->frame($binary, 'x' x 60000) } 1 .. 30);

ok($t->wait_log(qr/\[info\].*client timed out.*hurry/, 10),
    'send_timeout is logged');
cmp_ok(time - $start, '>=', 0.4, 'not before its time');

while ($ws->recv(5)) { }

like($ws->error, qr/^(?:eof|reset)$/, 'the connection is lost');

$ws = connection('/hurry');
stuff($ws, $f->frame($ping, 'x' x 125) x 20000);
ok($t->wait_for(sub { my @n = $t->log =~ /client timed out/g; @n >= 2 }, 10),
    'for pongs as well');

# who reads slowly, but reads, is not cut

$ws = connection('/patient');

my $stream = join '', map { $f->frame($binary, chr($_) x 30000) } 1 .. 40;
my $done = 0;
my $read = 0;

for ($start = time; time - $start < 3; ) {
    my $n = syswrite $ws->handle, $stream, 65536, $done;
    $done += $n if $n;
    sysread $ws->handle, $ws->{buffer}, 8192, length $ws->{buffer};
    sleep 0.03;
}

while ($read < 40 && $ws->{buffer} ne '') {
    $done += syswrite($ws->handle, $stream, 65536, $done) // 0
        if $done < length $stream;
    my $m = $ws->recv(2) or last;
    $read++;
    last if $m->{payload} ne chr($read) x 30000;
}

while ($read < 40) {
    $ws->write(substr $stream, $done) if $done < length $stream;
    $done = length $stream;
    my $m = $ws->recv(5) or last;
    $read++;
    last if $m->{payload} ne chr($read) x 30000;
}

is($read, 40, 'a slow reader gets everything');

# it is nobody else's business

$ws = $t->ws('/echo');
my $other = connection('/echo');

stuff($other, join '', map { $f->frame($text, 'x' x 60000) } 1 .. 30);
$ws->send_text('quick');
is(($ws->recv(2) // {})->{payload}, 'quick', 'others go on');
$other->close(reset => 1);

$t->finish;

done_testing;
