#!/usr/bin/perl

# Large messages, in one frame, in many, in small packets; and many round
# trips: what a conformance suite measures as performance.

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
            uplink_max_message 64m;
            uplink_echo;
        }
    }
EOF

my ($cont, $text, $binary) = (0, 1, 2);
my $f = bless {}, 'Uplink::WS';
my $ws = $t->ws('/echo', limit => 60);

# a text with characters of every length, and any bytes

my $unit = "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 ";
my $bytes = join '', map { chr } 0 .. 255;

sub payload {
    my ($opcode, $size) = @_;

    my $from = $opcode == $text ? $unit : $bytes;
    my $n = int($size / length $from);

    return $from x $n . 'x' x ($size - $n * length $from);
}

sub echoed {
    my ($opcode, $payload, $name) = @_;

    my $m = $ws->recv // {};

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(($m->{opcode} // 0) == $opcode && $m->{payload} eq $payload, $name);
}

for my $opcode ($text, $binary) {
    for my $kb (64, 256, 1024, 4096, 8192, 16384) {
        my $payload = payload($opcode, $kb * 1024);

        $ws->send_frame($opcode, $payload);
        echoed($opcode, $payload, "$kb kB, opcode $opcode");
    }
}

# in fragments: a character may be cut anywhere

for my $opcode ($text, $binary) {
    my $payload = payload($opcode, 4 << 20);

    for my $size (256, 1024, 4096, 16384, 65536, 262144, 1 << 20) {
        my $n = length($payload) / $size;

        $ws->send_raw(join '', map {
            $f->frame($_ ? $cont : $opcode,
                substr($payload, $_ * $size, $size),
                fin => $_ == $n - 1 ? 1 : 0, mask => "\x01\x82\x43\xc4")
        } 0 .. $n - 1);

        echoed($opcode, $payload, "$n fragments of $size, opcode $opcode");
    }
}

# fragments of an odd size

my $odd = payload($text, 65536);

$ws->send_fragments($text, unpack '(a1300)*', $odd);
echoed($text, $odd, 'fragments of 1300');

# one frame, in small writes

for my $opcode ($text, $binary) {
    my $payload = payload($opcode, 1 << 20);
    my $frame = $f->frame($opcode, $payload);

    for my $size (512, 2048, 8192) {
        $ws->send_raw($_) for unpack "(a$size)*", $frame;
        echoed($opcode, $payload, "written $size at a time, opcode $opcode");
    }
}

# round trips

for my $opcode ($text, $binary) {
    for my $size (0, 16, 64, 256, 1024, 4096) {
        my $payload = payload($opcode, $size);
        my $right = 0;

        for (1 .. 300) {
            $ws->send_frame($opcode, $payload);
            my $m = $ws->recv or last;
            $right++ if $m->{payload} eq $payload;
        }

        is($right, 300, "300 round trips of $size bytes, opcode $opcode");
    }
}

ok($ws->goodbye, 'the end');

$t->finish;

done_testing;
