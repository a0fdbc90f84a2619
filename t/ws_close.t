#!/usr/bin/perl

# The closing handshake: codes, reasons, and who hangs up when.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOF')->run;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /echo { uplink_auth off; uplink_echo; }
    }
EOF

my $f = bless {}, 'Uplink::WS';

# ---- the client closes: its code comes back, then the end of the stream

for my $code (1000 .. 1003, 1007 .. 1014, 3000, 3999, 4000, 4001, 4999) {
    my $ws = $t->ws('/echo');

    ok($ws->goodbye($code), "$code comes back");
}

my $ws = $t->ws('/echo');

$ws->send_close;
$ws->expect_close(1005, 'no code, none comes back', answer => 0);

for my $reason ('', 'x', 'r' x 123, "\xe2\x82\xac" x 41) {
    my $ws = $t->ws('/echo');

    $ws->send_close(1000, $reason);
    $ws->expect_close(1000, 'a reason of ' . length $reason, answer => 0);
    is($ws->{close_reason}, '', 'it is not repeated');
}

# ---- what is no close frame

my @bad = (
    'one byte' => 1002, "\x03",
    (map { ("code $_" => 1002, pack 'n', $_) } 0, 1, 999, 1004, 1005, 1006,
        1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 65535),
    'code 999 with a reason' => 1002, pack('n', 999) . 'reason',
    'half a character in the reason' => 1007, pack('n', 1000) . "\xe2\x82",
    'a surrogate in the reason' => 1007, pack('n', 1000) . "\xed\xa0\x80",
    'an impossible byte in the reason' => 1007, pack('n', 1000) . "ok \xff.",
);

while (my ($name, $code, $payload) = splice @bad, 0, 3) {
    my $ws = $t->ws('/echo');

    $ws->send_frame(8, $payload);
    $ws->expect_close($code, $name, answer => 0);
}

# ---- order

$ws = $t->ws('/echo');
$ws->send_raw(join '', (map { $f->frame(1, "message $_") } 1 .. 100),
    $f->frame(8, pack 'n', 1000));

is(join(',', map { ($ws->recv // {})->{payload} // '-' } 1 .. 100),
    join(',', map { "message $_" } 1 .. 100), 'what came before is answered');
$ws->expect_close(1000, 'then comes the close', answer => 0);

# nothing after the close frame counts

for my $after (1, 2, 8, 9, 3) {
    my $ws = $t->ws('/echo');

    $ws->send_raw($f->frame(8, pack 'n', 1000) . $f->frame($after, ''));
    is($ws->recv, undef, "a frame $after after the close");
    is($ws->{close_code}, 1000, 'changes nothing');
    ok($ws->closed, 'the end');
    is($ws->{buffer}, '', 'and nothing else comes');
}

$ws = $t->ws('/echo');
$ws->send_raw($f->frame(8, pack 'n', 1000) . 'x' x 200000);
$ws->expect_close(1000, 'much after the close', answer => 0);

# a large message is still under way

$ws = $t->ws('/echo');
$ws->send_raw(join '', (map { $f->frame(2, chr($_) x 60000) } 1 .. 10),
    $f->frame(8, pack 'n', 4000));

my $right = 1;

for my $i (1 .. 10) {
    $right &&= (($ws->recv // {})->{payload} // '') eq chr($i) x 60000;
}

ok($right, 'ten large ones before it');
$ws->expect_close(4000, 'and the close', answer => 0);

# ---- ends without a close

$ws = $t->ws('/echo');
$ws->close;
ok($t->wait_log(qr/client prematurely closed connection/), 'a FIN is logged');

$ws = $t->ws('/echo');
$ws->send_text('x' x 1000);
$ws->close(reset => 1);

$ws = $t->ws('/echo');
$ws->send_close(1000);
$ws->close;

$ws = $t->ws('/echo');
$ws->send_raw($f->frame(8, pack('n', 1000), mask => 0));
$ws->close;

# half a close: the write side only, as some clients do after their frame

$ws = $t->ws('/echo');
$ws->send_raw($f->frame(1, 'last words') . $f->frame(8, pack 'n', 1000));
shutdown $ws->handle, 1;
is($ws->recv->{payload}, 'last words', 'half closed: answered');
$ws->expect_close(1000, 'half closed: closed', answer => 0);

# byte by byte

$ws = $t->ws('/echo');
$ws->send_split($f->frame(8, pack('n', 1001) . 'going'), 1 .. 20);
$ws->expect_close(1001, 'a close byte by byte', answer => 0);

$t->finish;

done_testing;
