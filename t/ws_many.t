#!/usr/bin/perl

# Many frames in one read, many connections, and one that never stops.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOF', workers => 1, connections => 2048)->run;
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%% backlog=1024;
        location /echo { uplink_echo; }
    }
EOF

my ($cont, $text, $binary, $ping, $pong) = (0, 1, 2, 9, 10);
my $f = bless {}, 'Uplink::WS';

# ---- thousands of frames in one write

my $ws = $t->ws('/echo', limit => 20);
my $count = 10000;

$ws->send_raw(join '', map { $f->frame($text, "$_") } 1 .. $count);

my $right = 0;

for my $i (1 .. $count) {
    my $m = $ws->recv or last;
    $right++ if $m->{payload} eq $i;
}

is($right, $count, 'ten thousand messages');

$ws->send_raw($f->frame($binary, '') x $count);
$right = 0;

for (1 .. $count) {
    my $m = $ws->recv or last;
    $right++ if $m->{payload} eq '';
}

is($right, $count, 'ten thousand empty ones');

$ws->send_raw($f->frame($text, 'x', fin => 0) . $f->frame($cont, 'y', fin => 0)
    x ($count - 2) . $f->frame($cont, 'z'));
is($ws->recv->{payload}, 'x' . 'y' x ($count - 2) . 'z',
    'ten thousand fragments');

$ws->send_raw($f->frame($ping, 'many') x $count . $f->frame($ping, 'last'));

my $pongs = 0;

while (my $frame = $ws->recv_frame) {
    last if $frame->{opcode} != $pong;
    $pongs++;
    last if $frame->{payload} eq 'last';
}

cmp_ok($pongs, '>', 0, 'ten thousand pings, the last is answered');
$ws->send_raw($f->frame($pong, 'x') x $count);
$ws->send_text('still here');
is(($ws->recv // {})->{payload}, 'still here', 'ten thousand pongs');
ok($ws->goodbye, 'the end');

# all sizes, one after the other

$ws = $t->ws('/echo', limit => 20);

my @sizes = map { int($_ ** 1.9) % 20000 } 1 .. 600;

$ws->send_raw(join '', map { $f->frame($binary, chr($_ % 256) x $_) } @sizes);
$right = 0;

for my $size (@sizes) {
    my $m = $ws->recv or last;
    $right++ if $m->{payload} eq chr($size % 256) x $size;
}

is($right, scalar @sizes, 'of all sizes');

# ---- many connections

my @many = map { $t->ws('/echo') } 1 .. 500;

for my $round (1 .. 3) {
    $many[$_]->send_text("$_ in round $round") for 0 .. $#many;
    is(scalar(grep { (($many[$_]->recv // {})->{payload} // '')
        eq "$_ in round $round" } 0 .. $#many), 500, "500 echo, round $round");
}

# half of them leave as they should, half do not

$_ % 2 ? $many[$_]->send_close(1000) : $many[$_]->close(reset => $_ % 4)
    for 0 .. $#many;
is(scalar(grep { $many[$_]->closed } grep { $_ % 2 } 0 .. $#many), 250,
    'all are let go');

# ---- one that never stops must not keep the others from their turn

my $endless = fork // die "fork: $!";

if ($endless == 0) {
    my $socket = Uplink::WS->new(port => $t->port, path => '/echo');
    my $block = $f->frame($pong, '') x 200000;

    # nothing is answered to a pong, so nothing holds it up

    for (my $end = time + 30; time < $end; ) {
        $socket->write($block) or last;
    }

    POSIX::_exit(0);
}

$ws = $t->ws('/echo');

my @times;

for my $i (1 .. 50) {
    my $start = time;
    $ws->send_text("$i");
    last if (($ws->recv // {})->{payload} // '') ne "$i";
    push @times, time - $start;
}

kill 'KILL', $endless;
waitpid $endless, 0;

is(scalar @times, 50, 'beside one that never stops');

my ($worst) = sort { $b <=> $a } @times;

cmp_ok($worst, '<', 1 * $Uplink::Socket::patience, 'in time');

$t->finish;

done_testing;
