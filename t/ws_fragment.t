#!/usr/bin/perl

# Messages in fragments, with control frames between them.

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

my ($cont, $text, $binary, $close, $ping) = (0, 1, 2, 8, 9);
my $ws = $t->ws('/echo');

sub whole {
    my ($opcode, $name, @parts) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $m = $ws->recv_frame // {};

    is_deeply([@$m{qw(opcode fin)}], [$opcode, 1], "$name: one frame");
    ok(($m->{payload} // '') eq join('', @parts), "$name: of all");
}

for my $case (
    ['two', 'ab', 'cd'], ['the first empty', '', 'cd'],
    ['the last empty', 'ab', ''], ['the middle empty', 'a', '', 'b'],
    ['all empty', '', '', ''], ['one byte each', split //, 'fragmented'],
    ['many empty ones', ('') x 200, 'x', ('') x 200],
    ['each of its own length', map { 'z' x $_ } 1, 125, 126, 4000, 0, 30000],
    ['large and small', 'x' x 40000, 'y', 'z' x 20000],
    ['just the limit', 'x' x 65535, 'y'],
) {
    my ($name, @parts) = @$case;

    for my $opcode ($text, $binary) {
        $ws->send_fragments($opcode, @parts);
        whole($opcode, $name, @parts);
    }
}

# pings between fragments are answered at once, and do not end the message

$ws->send_frame($text, 'one ', fin => 0);
$ws->send_frame($ping, 'between');

my $m = $ws->recv_frame // {};

is_deeply([@$m{qw(opcode payload)}], [10, 'between'],
    'a pong while the message is not whole');

$ws->send_frame($cont, 'two ', fin => 0);
$ws->send_frame(10, 'unsolicited');
$ws->send_frame($ping, '');
is($ws->recv_frame->{opcode}, 10, 'and another');
$ws->send_frame($cont, 'three');
whole($text, 'pings between', 'one two three');

# all in one packet: every fragment followed by a ping

my @words = map { "word$_ " } 1 .. 100;

$ws->send_raw(join '', map {
    $ws->frame($_ ? $cont : $text, $words[$_], fin => $_ == $#words)
    . $ws->frame($ping, "p$_")
} 0 .. $#words);

my $pongs = $ws->{pongs};

is(($ws->recv // {})->{payload}, join('', @words), 'a hundred, in one packet');
ok($ws->quiet, 'nothing more but pongs') or $ws->{noise}{opcode} == 10
    or diag explain $ws->{noise};

# opcodes of the message, not of the fragment

$ws = $t->ws('/echo');
$ws->send_fragments($binary, "\xff", "\xfe");
whole($binary, 'binary in fragments', "\xff\xfe");
$ws->send_fragments($text, "\xc3", "\xa4");
whole($text, 'a character in two fragments', "\xc3\xa4");
$ws->send_text('and a whole one');
whole($text, 'then a whole one', 'and a whole one');

# a close between fragments ends it, and the message is never heard of

$ws->send_frame($text, 'never', fin => 0);
$ws->send_close(1000);
is($ws->recv, undef, 'no message');
is($ws->{close_code}, 1000, 'a close between fragments');

# an end in the middle

for my $reset (0, 1) {
    $ws = $t->ws('/echo');
    $ws->send_frame($text, 'x' x 10000, fin => 0);
    $ws->send_raw(substr $ws->frame($cont, 'y' x 10000), 0, 5000);
    $ws->send_raw(substr $ws->frame($ping, 'y' x 100), 0, 50);
    $ws->close(reset => $reset);
}

is($t->ws('/echo')->goodbye, 1, 'others go on');

$t->finish;

done_testing;
