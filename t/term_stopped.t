#!/usr/bin/perl

# Browsers as processes: stopped for a while, killed, and never reading
# beside one whose keystrokes are measured.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw/ sha256_hex /;
use Test::More;
use Time::HiRes qw/ time /;
use Uplink::Fleet;

my $t = Uplink::Fleet->new->fleet('uplink_send_buffer 128k;',
    size => '16m', listen => 'sndbuf=32k')->run;

my $piece = join '', map { chr rand 256 } 1 .. 8192;

# reads so many bytes in a process of its own, and writes their digest

sub reader {
    my ($browser, $bytes) = @_;

    pipe my $in, my $out or die $!;

    my $pid = fork // die $!;

    if (!$pid) {
        alarm 60;
        my $got = $browser->shown($bytes, 50);
        syswrite $out, sha256_hex($got) . ' ' . length $got;
        POSIX::_exit(0);
    }

    close $out;

    # the socket is that process' alone

    CORE::close delete $browser->{sock};

    return ($pid, $in);
}

# shows so many pieces, and stops while it is told to; a sub is called when
# it has been stopped for the first time

sub show {
    my ($sled, $session, $n, $stopped) = @_;

    my $paused = 0;

    for (1 .. $n) {
        $sled->show($session, $piece);

        while ($paused || $sled->readable) {
            my $m = $sled->recv_json($paused ? 20 : 0.01) or last;
            my $s = ($m->{payload}{session_id} // '') eq $session or next;

            return 0 if $m->{type} eq 'terminal.close';
            $paused = 0 if $m->{type} eq 'terminal.resume';

            if ($m->{type} eq 'terminal.pause') {
                $paused = 1;
                $stopped->() if $stopped;
                $stopped = undef;
            }
        }
    }

    return 1;
}

for my $at (0, 1) {
    my $where = $at ? 'two workers' : 'one worker';

    my ($sled, $browser) = $t->terminal(sled => { at => 0 },
        browser => { at => $at, rcvbuf => 16384 }, session => 'stop');

    # ---- stopped

    my $n = 400;
    my ($pid, $in) = reader($browser, $n * length $piece);
    my $was = 0;

    kill STOP => $pid;
    ok(show($sled, 'stop', $n, sub {
        $was = 1;
        kill CONT => $pid;
    }), "$where: all is written");
    ok($was, "$where: the sled was paused by one that was stopped");
    sysread $in, my $digest, 100;
    is($digest, sha256_hex($piece x $n) . ' ' . $n * length $piece,
        "$where: it has missed nothing");
    waitpid $pid, 0;
    is($sled->await('terminal.close')->{payload}{reason},
        'browser_disconnect', "$where: it has ended");

    # ---- killed, while it was stopped

    $browser = $t->browser(at => $at, rcvbuf => 16384);
    $sled->open($browser, 'dead');
    ($pid, $in) = reader($browser, 1e9);
    kill STOP => $pid;
    is(show($sled, 'dead', $n, sub { kill KILL => $pid }), 0,
        "$where: one that is killed is closed");
    waitpid $pid, 0;

    # ---- one that never reads, and one that measures

    my $never = $t->browser(at => $at, rcvbuf => 8192);
    $sled->open($never, 'never');
    my $quick = $t->browser(at => $at);
    $sled->open($quick, 'quick');

    my $paused = 0;
    my @times;

    for my $i (1 .. 200) {

        # as much as the sled may send of it: to the end of the buffer

        for (1 .. 4) {
            last if $paused;
            $sled->show('never', $piece);
        }

        my $begin = time;
        $quick->type('k');

        while (my $m = $sled->recv_json) {
            $paused = 1 if $m->{type} eq 'terminal.pause';
            last if $m->{type} eq 'terminal.data';
        }

        $sled->show('quick', 'echo');
        $quick->shown(4);
        push @times, time - $begin;
    }

    ok($paused, "$where: the other one is paused");

    @times = sort { $a <=> $b } @times;
    my $median = $times[@times / 2];
    cmp_ok($median, '<', 0.02 * $Uplink::Socket::patience,
        "$where: half of 200 echoes in " . int(1e6 * $median) . ' us');
    cmp_ok($times[-1], '<', 2 * $Uplink::Socket::patience,
        "$where: and none has waited for it");

    $_->close for $never, $quick, $sled;
    $t->wait_for(sub { $t->status->{sleds}{connections} == 0 });
}

$t->finish;

done_testing;
