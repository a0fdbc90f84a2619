#!/usr/bin/perl

# However the stream is cut into packets, the same comes out of it.

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
        location /echo {
            uplink_auth off;
            uplink_max_message 1m;
            uplink_echo;
        }
    }
EOF

my ($cont, $text, $binary, $ping) = (0, 1, 2, 9);
my $f = bless {}, 'Uplink::WS';

# one of everything: short, 16 bits of length, in fragments with a character
# cut in two and a ping between

my $euro = "\xe2\x82\xac";
my $stream = join '', $f->frame($text, 'short'),
    $f->frame($text, substr($euro, 0, 1), fin => 0),
    $f->frame($ping, 'p' x 5),
    $f->frame($cont, substr($euro, 1), fin => 0),
    $f->frame($cont, ''),
    $f->frame($binary, ''),
    $f->frame($binary, 'm' x 130);

my @answers = ([$text, 'short'], [$text, $euro], [$binary, ''],
    [$binary, 'm' x 130]);

sub answers {
    my ($ws, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @got = map { my $m = $ws->recv // {}; [@$m{qw(opcode payload)}] }
        @answers;

    return is_deeply(\@got, \@answers, $name)
        && is($ws->{pong}, 'p' x 5, "$name: pong");
}

my $ws = $t->ws('/echo');

for my $cut (1 .. length($stream) - 1) {
    $ws->send_split($stream, $cut);
    answers($ws, "cut at $cut") or last;
}

$ws->send_split($stream, 1 .. length $stream);
answers($ws, 'byte by byte');

srand 1;

for my $round (1 .. 30) {
    $ws->send_split($stream,
        sort { $a <=> $b } map { 1 + int rand length $stream } 1 .. 6);
    answers($ws, "random cuts, round $round") or last;
}

ok($ws->goodbye, 'the end');

# larger ones, in pieces of the sizes that networks have

for my $size (65535, 65536) {
    for my $piece (1, 2, 7, 1448, 4096, 16384) {
        my $payload = join '', map { chr(33 + $_ * 7 % 90) } 1 .. 400;
        my $n = $piece < 8 ? 400 : $size;

        $payload = substr $payload x 200, 0, $n;

        my $frame = $f->frame($text, $payload);

        $ws = $t->ws('/echo');
        $ws->send_split($frame, map { $_ * $piece }
            1 .. length($frame) / $piece);

        my $m = $ws->recv // {};

        ok(($m->{payload} // '') eq $payload, "$n bytes by $piece");
        ok($ws->goodbye, 'and the end');
    }
}

# a header cut anywhere, of every form

$ws = $t->ws('/echo');

for my $size (5, 200, 70000) {
    my $frame = $f->frame($binary, 'x' x $size);

    for my $cut (1 .. 14) {
        $ws->send_split($frame, $cut);
        is(length(($ws->recv // {})->{payload} // ''), $size,
            "$size bytes, cut at $cut");
    }
}

$t->finish;

done_testing;
