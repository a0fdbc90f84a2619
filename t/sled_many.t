#!/usr/bin/perl

# Many shells at once, silent ones, and a sled that dies.  Uplink::Gateway
# plays the gateway's part.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Uplink::Daemon;
use Uplink::Gateway;

my $gateway = Uplink::Gateway->new(protocol => 'uplink.bin.v1');
my $sled = Uplink::Daemon->new(gateway => $gateway->url);
my $dir = $sled->dir;
my $n = $sled->{valgrind} ? 20 : 100;

$sled->run('--root', $dir, '--shell', '/bin/sh');
my $link = $gateway->accept;

my @s = map { $link->open(work_dir => $dir) } 1 .. $n;
is((grep { $_->{session_id} } @s), $n, "$n shells");

$link->type($s[$_], "seq $_ $n 100000 | cksum; echo N-$_-\$\$-\n")
    for 0 .. $#s;

my @pids;

for my $i (0 .. $#s) {
    my ($pid) = ($link->read_until($s[$i], qr/N-$i-\d+-/, 20) // '')
        =~ /N-$i-(\d+)-/ or last;
    push @pids, $pid;
}

is(scalar @pids, $n, 'each has its own');

# all of them at full speed

my %sum;
$link->{sink} = sub { $sum{$_[0]} += length $_[1] };
$link->type($_, "exec head -c 200000 /dev/zero\n") for @s;
my $exits = 0;
$exits++ while $exits < $n && $link->await('terminal.exit', 30);
is($exits, $n, 'all of them end');
is((grep { $sum{$_->{session_id}} >= 200_000 } @s), $n, 'and nobody starves');
delete $link->{sink};

ok($sled->wait_for(sub { $link->next(0.05);
    ($sled->command('status'))[1]{terminals} == 0 }), 'and are forgotten');

# descriptors and children are given back

my $fds = () = glob '/proc/' . $sled->pid . '/fd/*';
cmp_ok($fds, '<', 20, 'no descriptor is left');
my $children = Uplink::Daemon->slurp('/proc/' . $sled->pid . '/task/'
    . $sled->pid . '/children');
is($children, '', 'nor a zombie');

# kill -9: the shells go with it

my $s = $link->open(work_dir => $dir);
$link->type($s, "echo PID-\$\$-\n");
my ($pid) = $link->read_until($s, qr/PID-\d+-/) =~ /PID-(\d+)-/;
$sled->kill_hard;
ok($sled->wait_for(sub { !kill 0, $pid }), 'kill -9 of the sled: no shell');

# the next one takes the place of its socket

$sled->run('--root', $dir, '--shell', '/bin/sh', '--idle-timeout', '700ms');
$link = $gateway->accept;
ok(!exists $link->{register}{resume}, 'the next one starts anew');

# silence

my $quiet = $link->open(work_dir => $dir);
my $busy = $link->open(work_dir => $dir);
$link->type($busy, "while sleep 0.1; do echo tick; done\n");
my $exit = $link->await('terminal.exit')->{payload};
is($exit->{session_id}, $quiet->{session_id}, 'the silent one ends');
is($exit->{reason}, 'idle_timeout', 'and says why');
ok($link->read_until($busy, qr/(?:tick\s+){10}/), 'the other does not');

# another sled for the same socket does not take it away

my ($code) = $sled->command('run', '--id', 'x', '--gateway', $gateway->url);
is($code, 2, 'a second sled with the same state');
is(($sled->command('status'))[0], 0, 'leaves the first alone');

# (a gateway that confirms nothing is waited for, for a moment)

$link->close;
$sled->finish;
done_testing;
