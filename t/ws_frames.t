#!/usr/bin/perl

# RFC 6455, section 5.2: every frame that may come, and every one that may
# not and ends the connection with 1002.

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

my ($cont, $text, $binary, $close, $ping, $pong) = (0, 1, 2, 8, 9, 10);
my $f = bless {}, 'Uplink::WS';

# ---- what may come: every opcode at every boundary of the length

my @sizes = (0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 4095, 4096, 16383,
    16384, 32767, 32768, 65534, 65535, 65536);

for my $opcode ($text, $binary) {
    my $ws = $t->ws('/echo');

    for my $size (@sizes) {
        my $payload = substr 'abcdefghijklmnopqrstuvwxyz' x 2600, 0, $size;

        $ws->send_frame($opcode, $payload);

        my $got = $ws->recv_frame // {};

        is($got->{opcode}, $opcode, "opcode $opcode, $size bytes");
        ok($got->{payload} eq $payload, 'and the same ones');
        is_deeply([@$got{qw(fin rsv masked minimal)}], [1, 0, 0, 1],
            'in a frame as it should be');
    }

    ok($ws->goodbye, 'and the end');
}

my $ws = $t->ws('/echo');

for my $size (0, 1, 2, 124, 125) {
    my $payload = join '', map { chr(255 - $_) } 1 .. $size;

    $ws->send_frame($ping, $payload);

    my $got = $ws->recv_frame // {};

    is($got->{opcode}, $pong, "ping of $size bytes");
    is($got->{payload}, $payload, 'the same bytes');

    $ws->send_frame($pong, $payload);
}

$ws->send_text('after pongs nobody asked for');
is($ws->recv->{payload}, 'after pongs nobody asked for', 'unsolicited pongs');

# the mask: all of one byte, and none

for my $mask ("\0\0\0\0", "\xff\xff\xff\xff", "\x80\0\0\0", "abcd") {
    for my $size (1 .. 17) {
        my $payload = substr '0123456789abcdefgh', 0, $size;

        $ws->send_frame($binary, $payload, mask => $mask);
        is($ws->recv->{payload}, $payload,
            sprintf 'mask %vd, %d bytes', $mask, $size);
    }
}

ok($ws->goodbye, 'the end');

# ---- what may not

my @bad = (
    (map { ("rsv $_ in text" => [$f->frame($text, 'x', rsv => $_)]) } 1 .. 7),
    (map { ("rsv $_ in ping" => [$f->frame($ping, 'x', rsv => $_)]) } 1 .. 7),
    'rsv 4 in close' => [$f->frame($close, pack('n', 1000), rsv => 4)],
    'rsv 1 in an empty frame' => [$f->frame($binary, '', rsv => 1)],
    'rsv in a continuation' => [$f->frame($text, 'x', fin => 0),
        $f->frame($cont, 'x', rsv => 1)],

    (map { ("opcode $_" => [$f->frame($_, '')],
            "opcode $_ with payload" => [$f->frame($_, 'hello')],
            "opcode $_ in a message" => [$f->frame($text, 'x', fin => 0),
                $f->frame($_, 'x')]) } 3 .. 7, 11 .. 15),

    (map { ("opcode $_ unmasked" => [$f->frame($_, '', mask => 0)]) }
        $text, $binary, $close, $ping, $pong),
    'text unmasked' => [$f->frame($text, 'hello', mask => 0)],

    (map { ("opcode $_ of 126 bytes" => [$f->frame($_, 'x' x 126)],
            "opcode $_ of 65536 bytes" => [$f->frame($_, 'x' x 65536)],
            "opcode $_ with 16 bits" => [$f->frame($_, 'x', encoding => 16)],
            "opcode $_ with 64 bits" => [$f->frame($_, 'x', encoding => 64)],
            "opcode $_ in fragments" => [$f->frame($_, '', fin => 0)],
            "opcode $_ in fragments in a message"
                => [$f->frame($text, 'x', fin => 0),
                    $f->frame($_, '', fin => 0)]) } $close, $ping, $pong),

    (map { ("$_ bytes in 16 bits" => [$f->frame($text, 'x' x $_,
                encoding => 16)],
            "$_ bytes in 64 bits" => [$f->frame($text, 'x' x $_,
                encoding => 64)]) } 0, 1, 125),
    (map { ("$_ bytes in 64 bits" => [$f->frame($text, 'x' x $_,
                encoding => 64)]) } 126, 65535),
    'a length of 2^63' => [pack 'CCQ>', 0x82, 0xff, 1 << 63],
    'a length of 2^64 - 1' => [pack 'CCQ>', 0x82, 0xff, ~0],

    'continuation of nothing' => [$f->frame($cont, 'x')],
    'continuation of nothing, not the last' =>
        [$f->frame($cont, 'x', fin => 0)],
    'continuation of a whole message' => [$f->frame($text, 'x'),
        $f->frame($cont, 'x')],
    'continuation after the last' => [$f->frame($text, 'x', fin => 0),
        $f->frame($cont, 'x'), $f->frame($cont, 'x')],
    'text in a text' => [$f->frame($text, 'x', fin => 0),
        $f->frame($text, 'x')],
    'binary in a text' => [$f->frame($text, 'x', fin => 0),
        $f->frame($binary, 'x')],
    'text in a binary, after a ping' => [$f->frame($binary, 'x', fin => 0),
        $f->frame($ping, ''), $f->frame($text, 'x', fin => 0)],

    'HTTP' => ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    'TLS' => ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    'zeros' => ["\0" x 100],
);

while (my ($name, $frames) = splice @bad, 0, 2) {
    my $ws = $t->ws('/echo');

    $ws->send_raw(join '', @$frames);
    $ws->expect_close(1002, $name);
}

# told at the first byte that is wrong, not when the frame is whole

for my $case (
    ['rsv', "\x91"], ['opcode', "\x83"], ['fragmented ping', "\x09"],
    ['mask', "\x81\x05"], ['control', "\x89\xfe"], ['2^63', "\x82\xff\x80"],
    ['a byte in 16 bits', "\x82\xfe\x00\x7d"],
    ['a byte in 64 bits', "\x82\xff\x00\x00\x00\x00\x00\x00"],
) {
    my ($name, $bytes) = @$case;
    my $ws = $t->ws('/echo');

    $ws->send_raw($bytes);
    $ws->expect_close(1002, "at once: $name");
}

# what was sent before is answered, what comes after is not

$ws = $t->ws('/echo');
$ws->send_raw($f->frame($text, 'before') . $f->frame($ping, 'too')
    . $f->frame(3, '') . $f->frame($text, 'after'));

is($ws->recv->{payload}, 'before', 'what came before is answered');
$ws->expect_close(1002, 'and no more');
is($ws->{pongs}, 1, 'the ping was, too');

# a client that goes on sending still gets to read why

$ws = $t->ws('/echo');
$ws->send_raw("\xff" . 'x' x 300000);
$ws->expect_close(1002, 'a client that goes on sending', answer => 0);

$t->finish;

done_testing;
