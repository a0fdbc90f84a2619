#!/usr/bin/perl

# Text must be UTF-8 (RFC 3629), over fragments and packets, and an error is
# told when its byte has come.

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

my ($cont, $text, $binary) = (0, 1, 2);

sub utf8_of {
    my @points = @_;

    return join '', map {
        $_ < 0x80 ? chr
        : $_ < 0x800 ? pack 'C*', 0xc0 | $_ >> 6, 0x80 | $_ & 0x3f
        : $_ < 0x10000 ? pack 'C*', 0xe0 | $_ >> 12, 0x80 | $_ >> 6 & 0x3f,
            0x80 | $_ & 0x3f
        : pack 'C*', 0xf0 | $_ >> 18, 0x80 | $_ >> 12 & 0x3f,
            0x80 | $_ >> 6 & 0x3f, 0x80 | $_ & 0x3f;
    } @points;
}

# ---- valid: the ends of every range, and what must not be mistaken

my @valid = (
    (map { utf8_of($_) } 0, 1, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000,
        0xcfff, 0xd000, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xfffe, 0xffff,
        0x10000, 0x1ffff, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10fffe,
        0x10ffff),
    utf8_of(0x3ba, 0x1f79, 0x3c3, 0x3bc, 0x3b5),
    utf8_of(map { $_ * 0x10000 + 0xfffe, $_ * 0x10000 + 0xffff } 1 .. 16),
    'a' x 15 . utf8_of(0x20ac) . 'b' x 17 . utf8_of(0x1f600) . 'c' x 33,
);

my $ws = $t->ws('/echo');

for my $valid (@valid) {
    $ws->send_text($valid);
    ok((($ws->recv // {})->{payload} // '') eq $valid,
        'valid: ' . unpack 'H20', $valid);

    # every cut into two fragments

    for my $cut (1 .. (length $valid > 20 ? 20 : length($valid) - 1)) {
        $ws->send_fragments($text, substr($valid, 0, $cut),
            substr $valid, $cut);
        ok((($ws->recv // {})->{payload} // '') eq $valid, "cut at $cut");
    }
}

# a byte a packet

my $letters = utf8_of(0x41, 0xe4, 0x20ac, 0x1f600);

$ws->send_split($ws->frame($text, $letters), 1 .. 20);
is($ws->recv->{payload}, $letters, 'byte by byte');

# binary may be anything

$ws->send_bin("\xff\xfe\xc0\x80");
is($ws->recv->{payload}, "\xff\xfe\xc0\x80", 'binary is not looked at');
ok($ws->goodbye, 'the end');

# ---- invalid

my %invalid = (
    'a lone continuation' => ["\x80", "\xbf", "\x80\xbf\x80"],
    'a lead without the rest' => [map { ("$_ ", "$_$_") } map { chr }
        0xc2, 0xdf, 0xe0, 0xef, 0xf0, 0xf4],
    'the rest is too short' => ["\xe2\x82 ", "\xf0\x9f\x98 ", "\xe2\x82\xe2",
        "\xf0\x90\x80\xc3\xa4"],
    'impossible bytes' => ["\xfe", "\xff", "\xfe\xfe\xff\xff", "\xf5", "\xf8",
        "\xfc"],
    'overlong' => ["\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\x80",
        "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
        "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"],
    'surrogates' => ["\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80",
        "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbf\xbf",
        "\xed\xa0\x80\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf"],
    'above U+10FFFF' => ["\xf4\x90\x80\x80", "\xf4\xbf\xbf\xbf",
        "\xf5\x80\x80\x80", "\xf7\xbf\xbf\xbf", "\xf8\x80\x80\x80\x80",
        "\xfd\xbf\xbf\xbf\xbf\xbf"],
    'after good ones' => [$letters . "\x80", 'x' x 16 . "\xff",
        'x' x 31 . "\xc3" . 'x' x 40],
);

sub invalid {
    my ($name, @frames) = @_;

    my $ws = $t->ws('/echo');

    $ws->send_raw($_) for @frames;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $ws->expect_close(1007, $name);
}

my $f = bless {}, 'Uplink::WS';

for my $kind (sort keys %invalid) {
    for my $bytes (@{$invalid{$kind}}) {
        my $name = "$kind: " . unpack 'H*', $bytes;

        invalid($name, $f->frame($text, $bytes));
        invalid("$name, in fragments", map {
            $f->frame($_ ? $cont : $text, substr($bytes, $_, 1),
                fin => $_ == length($bytes) - 1 ? 1 : 0)
        } 0 .. length($bytes) - 1);
    }
}

# the end in the middle of a character

for my $bytes ("\xc3", "\xe2", "\xe2\x82", "\xf0", "\xf0\x9f",
    "\xf0\x9f\x98", 'abc' . "\xe2\x82")
{
    my $name = 'incomplete: ' . unpack 'H*', $bytes;

    invalid($name, $f->frame($text, $bytes));
    invalid("$name, then an empty fragment",
        $f->frame($text, $bytes, fin => 0), $f->frame($cont, ''));
}

# ---- at once: the message is not whole, nor is the frame

invalid('told in the first of two fragments',
    $f->frame($text, "good \xed\xa0", fin => 0));

invalid('told in the second of three fragments',
    $f->frame($text, "good \xf4", fin => 0),
    $f->frame($cont, "\x90", fin => 0));

invalid('told in the middle of a frame',
    substr $f->frame($text, "good \xff" . 'x' x 10000), 0, 20);

invalid('told in the middle of a large frame',
    substr $f->frame($text, 'x' x 30000 . "\xc0" . 'y' x 30000), 0, 30100);

invalid('told when the second packet has it', substr($f->frame($text,
    "good \xf4" . "\x90" . 'x' x 100, mask => "\0\0\0\0"), 0, 12), "\x90");

# a new message begins anew

$ws = $t->ws('/echo');
$ws->send_raw($f->frame($binary, "\xe2\x82") . $f->frame($text, 'fine'));
is($ws->recv->{payload}, "\xe2\x82", 'half a character in binary');
is($ws->recv->{payload}, 'fine', 'is forgotten in the next text');

$t->finish;

done_testing;
