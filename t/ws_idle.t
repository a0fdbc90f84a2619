#!/usr/bin/perl

# Pings, and peers from whom nothing is heard.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);
use Uplink::Test;

my $t = Uplink::Test->new;

# slow machines get longer times as well

my $unit = 100 * $Uplink::Socket::patience;

$t->conf(<<"EOF")->run;
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        uplink_ping_interval ${unit}ms;
        uplink_ping_timeout @{[10 * $unit]}ms;

        location /echo { uplink_echo; }
        location /never { uplink_ping_interval 0; uplink_ping_timeout 0;
                          uplink_echo; }
        location /silent { uplink_ping_interval 0; uplink_echo; }
        location /rare { uplink_ping_interval 1h; uplink_ping_timeout 0;
                         uplink_echo; }
    }
EOF

my ($text, $ping, $pong) = (1, 9, 10);
my $start = time;
my %idle = map { $_ => $t->ws($_) } qw(/never /rare);

# ---- pings come, at their interval

my $ws = $t->ws('/echo');
my $opened = time;
my @pings;

for (1 .. 5) {
    my $f = $ws->recv_frame or last;
    push @pings, $f;
    $ws->send_frame($pong, $f->{payload});
}

is_deeply([map { [@$_{qw(fin opcode masked payload)}] } @pings],
    [([1, $ping, 0, '']) x 5], 'five pings');
cmp_ok(time - $opened, '>=', 5 * $unit / 1000 * 0.9, 'not before their time');

# who answers lives longer than ping_timeout, and who says other things, too

for my $case (
    ['pongs', sub { $_[0]->send_frame($pong, '') }],
    ['messages', sub { $_[0]->send_text('x') }],
    ['parts of a message', sub { $_[0]->send_raw(shift @{$_[1]}) }],
) {
    my ($name, $answer) = @$case;
    my $ws = $t->ws('/echo');
    my @parts = split //, $ws->frame($text, 'p' x 20);
    my $n = 0;

    while ($n < 15) {
        my $f = $ws->recv_frame or last;
        next if $f->{opcode} != $ping;
        $answer->($ws, \@parts);
        $n++;
    }

    is($n, 15, "$name keep it alive");
}

# ---- who says nothing is dead: no close frame, and not before its time

for my $path ('/echo', '/silent') {
    my $ws = $t->ws($path);
    my $opened = time;
    my (@frames, $f);

    push @frames, $f while $f = $ws->recv_frame(10);

    like($ws->error, qr/^(?:eof|reset)$/, "$path: dead");
    cmp_ok(time - $opened, '>=', 10 * $unit / 1000 * 0.9,
        "$path: not before its time");
    is(scalar(grep { $_->{opcode} != $ping } @frames), 0,
        "$path: without ceremony");
    is(scalar(@frames) > 0, $path eq '/echo', "$path: pings");
}

ok($t->wait_log(qr/\[info\].*client timed out/), 'it is logged');

# half a handshake of closing is no life either: the client never hangs up,
# the gateway does

$ws = $t->ws('/echo');
$ws->send_close(1000);
$ws->expect_close(1000, 'closed, and the gateway hangs up', answer => 0);

# ---- no pings where none are wanted

for my $path (sort keys %idle) {
    my $ws = $idle{$path};

    ok($ws->quiet, "$path: lives");
    is($ws->{pings} // 0, 0, "$path: no ping");
    ok($ws->goodbye, "$path: and the end");
}

cmp_ok(time - $start, '>', 10 * $unit / 1000, 'that was long enough');

$t->finish;

done_testing;
