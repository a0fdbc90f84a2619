#!/usr/bin/perl

# 16 MB of random bytes each way, as text and binary, within one worker and
# across two: in order, complete, and nothing else.

use strict;
use warnings;

use Digest::SHA qw/ sha256_hex /;
use FindBin;
use lib "$FindBin::Bin/lib";
use Socket qw/ SOL_SOCKET SO_SNDBUF /;
use Test::More;
use Uplink::Fleet;

my $size = 16 * 1024 * 1024;
my $piece = 4096;

my $t = Uplink::Fleet->new->fleet(undef, size => '4m',
    listen => 'rcvbuf=32k')->run;

open my $random, '<', '/dev/urandom' or die $!;
my $bytes;
read $random, $bytes, $size;
my $digest = sha256_hex($bytes);

my $n = 0;

for my $case ([0, 0, 0], [1, 0, 0], [0, 1, 1], [1, 1, 0], [1, 0, 1]) {
    my ($other, $sled_binary, $browser_binary) = @$case;

    my $session = 's' . $n++;
    my $name = join ', ', $other ? 'two workers' : 'one worker',
        'sled ' . ($sled_binary ? 'binary' : 'text'),
        'browser ' . ($browser_binary ? 'binary' : 'text');

    my ($sled, $browser, $open, $opened) = $t->terminal(
        session => $session, sled => { at => 0,
            $sled_binary ? (protocol => 'uplink.bin.v1') : () },
        browser => { at => $other, binary => $browser_binary });

    # what is on its way when the pause comes is no more than is taken then

    setsockopt $sled->handle, SOL_SOCKET, SO_SNDBUF, 32768;

    my $handle = pack 'C H16', 1, $open->{handle};

    # the one that sends obeys pauses: a child, which the parent reads from

    for my $way ('shown', 'typed') {
        my ($from, $to, $binary) = $way eq 'shown'
            ? ($sled, $browser, $sled_binary)
            : ($browser, $sled, $browser_binary);

        my $pid = fork // die $!;

        if (!$pid) {
            alarm 120;
            send_all($from, $way, $binary, $handle, $session);
            POSIX::_exit(0);
        }

        my $got = $to->$way($size, 60);
        kill KILL => $pid;
        waitpid $pid, 0;

        is(length $got, $size, "$name: $way, all of it");
        is(sha256_hex($got), $digest, "$name: $way, as it was");
    }

    $sled->close;
    $browser->close;
}

$t->finish;

done_testing;


# reads between its frames, so that a pause is obeyed

sub send_all {
    my ($ws, $way, $binary, $handle, $session) = @_;

    my $paused = 0;

    for (my $at = 0; $at < $size; $at += $piece) {
        my $part = substr $bytes, $at, $piece;

        if ($binary) {
            $ws->send_bin($handle . $part);

        } elsif ($way eq 'shown') {
            $ws->show($session, $part);

        } else {
            $ws->type($part);
        }

        while ($paused || $ws->readable) {
            my $m = $ws->recv_json(30) or last;
            $paused = 1 if $m->{type} eq 'terminal.pause';
            $paused = 0 if $m->{type} eq 'terminal.resume';
        }
    }

    sleep 100;
}
