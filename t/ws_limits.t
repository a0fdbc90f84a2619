#!/usr/bin/perl

# uplink_max_message, by frame and by sum, known before memory is taken.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOF', workers => 1)->run;
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /echo { uplink_echo; }
        location /small { uplink_max_message 100; uplink_echo; }
        location /zero { uplink_max_message 0; uplink_echo; }
        location /big { uplink_max_message 4m; uplink_echo; }
    }
EOF

my ($cont, $text, $binary, $ping) = (0, 1, 2, 9);
my $f = bless {}, 'Uplink::WS';

# ---- at the limit, and one byte over

for my $case (['/small', 100], ['/echo', 65536], ['/big', 4 << 20]) {
    my ($path, $limit) = @$case;
    my $ws = $t->ws($path);

    $ws->send_bin('x' x $limit);
    is(length(($ws->recv // {})->{payload} // ''), $limit, "$path: $limit");

    $ws->send_fragments($binary, 'x' x ($limit - 60), 'y' x 60);
    is(length(($ws->recv // {})->{payload} // ''), $limit, 'in fragments');

    $ws->send_text('x' x ($limit + 1));
    $ws->expect_close(1009, "$path: one more");

    $ws = $t->ws($path);
    $ws->send_fragments($text, 'x' x ($limit - 60), 'y' x 60, 'z');
    $ws->expect_close(1009, 'in fragments');

    $ws = $t->ws($path);
    $ws->send_fragments($text, 'x' x $limit, '', '');
    is(length(($ws->recv // {})->{payload} // ''), $limit, 'empty ones');
}

my $ws = $t->ws('/zero');

$ws->send_text('');
is($ws->recv->{payload}, '', 'a limit of zero lets an empty one through');
$ws->send_text('x');
$ws->expect_close(1009, 'and nothing else');

# ---- told by the header: the payload never comes

for my $size (101, 125, 126, 65535, 65536, 1 << 31, 1 << 32, (1 << 63) - 1) {
    my $ws = $t->ws('/small');
    my $head = $size < 126 ? pack 'CC', 0x82, 0x80 | $size
        : $size < 65536 ? pack 'CCn', 0x82, 0xfe, $size
        : pack 'CCQ>', 0x82, 0xff, $size;

    $ws->send_raw($head . 'mask');
    $ws->expect_close(1009, "announced: $size");
}

$ws = $t->ws('/small');
$ws->send_frame($text, 'x' x 60, fin => 0);
$ws->send_raw(pack('CC', 0x80, 0x80 | 41) . 'mask');
$ws->expect_close(1009, 'announced by the second fragment');

$ws = $t->ws('/small');
$ws->send_frame($text, 'x' x 60, fin => 0);
$ws->send_raw(pack('CCQ>', 0x80, 0xff, (1 << 63) - 1) . 'mask');
$ws->expect_close(1009, 'a sum that would overflow');

# control frames are not messages

$ws = $t->ws('/zero');
$ws->send_ping('x' x 125);
is($ws->recv_frame->{payload}, 'x' x 125, 'a ping is no message');

$ws->send_close(1000, 'y' x 100);
$ws->expect_close(1000, 'nor is a close', answer => 0);

ok($t->log =~ /\[info\].*too large message: 101 bytes/, 'it is logged')
    or $t->log_tail;

# ---- who announces much and sends little costs little

my ($pid) = $t->workers;

# what is allocated, touched or not

sub memory {
    return $t->read_file("/proc/$pid/status") =~ /^VmData:\s+(\d+)/m ? $1 : 0;
}

my @many = map { $t->ws('/big') } 1 .. 200;

$_->send_text('warm') && $_->recv for @many;

my $before = memory();

for my $ws (@many) {
    $ws->send_raw(pack('CCQ>', 0x82, 0xff, 4 << 20) . "mask" . 'x' x 100);
}

# the one worker answers this one behind them

$_->send_raw('y') for @many;
$t->ws('/echo')->quiet;

my $after = memory();

SKIP: {
    skip 'memory is another with sanitizers', 1
        if $ENV{UPLINK_SAN} || $ENV{UPLINK_VALGRIND};

    cmp_ok($after - $before, '<', 4096,
        '200 x 4 MiB announced, 200 x 101 bytes sent')
        or diag "$before kB, then $after kB";
}

$t->finish;

done_testing;
