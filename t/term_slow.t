#!/usr/bin/perl

# Browsers that do not read: the sled is paused for the one that drives, and
# goes on when it reads; without that it costs this one terminal; a viewer
# never costs anybody else a byte.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Socket qw/ SOL_SOCKET SO_RCVBUF /;

use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new->fleet('uplink_send_buffer 128k;',
    size => '8m', listen => 'sndbuf=32k')->run;

my $piece = join '', map { chr rand 256 } 1 .. 4096;
my $all = '';

# shows until the sled is told to stop: how many pieces that took

sub until_paused {
    my ($sled, $session) = @_;

    for my $n (1 .. 4000) {
        $sled->show($session, $piece);
        $all .= $piece;
        next if $n % 4;
        $sled->send_ping("n$n");
        my $m = $sled->await(sub { 1 }, 0.05);
        next if !$m;
        return $n if $m->{type} eq 'terminal.pause'
            && $m->{payload}{session_id} eq $session;
        return -$n;
    }

    return;
}

# shows until it is too much

sub flood {
    my ($sled, $session) = @_;

    for (1 .. 4000) {
        $sled->show($session, $piece);

        while ($sled->readable) {
            my $m = $sled->await(sub { 1 }, 0.05) or last;
            return $m if $m->{type} eq 'terminal.close';
        }
    }

    return;
}

for my $at (0, 1) {
    my $where = $at ? 'two workers' : 'one worker';

    # ---- the driver

    my ($sled, $slow) = $t->terminal(sled => { at => 0 }, session => 'slow',
        browser => { at => $at });
    my $quick = $t->browser(at => $at);
    $sled->open($quick, 'quick');

    $all = '';
    my $n = until_paused($sled, 'slow');
    ok($n, "$where: paused") or last;

    # what is on its way then is taken still

    for (1 .. 32) {
        $sled->show('slow', $piece);
        $all .= $piece;
    }

    # nobody else waits for it

    for (1 .. 20) {
        $sled->show('quick', "$_,");
        $quick->shown(length "$_,");
        $quick->type('k');
        $sled->typed(1);
    }

    pass("$where: another terminal goes on");

    ok($slow->shown(length $all) eq $all, "$where: all of it");
    is(($sled->await('terminal.resume') // {})->{payload}{session_id},
        'slow', "$where: resumed");

    # ---- more than is taken

    ok(until_paused($sled, 'slow'), "$where: paused again");

    my $m = flood($sled, 'slow');
    is_deeply($m->{payload}, { session_id => 'slow',
        reason => 'slow_consumer' }, "$where: slow_consumer");
    $sled->say('terminal.exit', session_id => 'slow', exit_code => 0);

    while ($m = $slow->recv_json) {
        last if $m->{type} eq 'terminal.error';
    }

    is($m->{payload}{code}, 'slow_consumer', "$where: the browser hears it");
    $slow->expect_close(1011, "$where: closed");

    $sled->show('quick', 'still here');
    is($quick->shown(10), 'still here', "$where: the other one stays");

    # ---- a browser that is dead

    my $dead = $t->browser(at => $at);
    $sled->open($dead, 'dead');
    $sled->show('dead', $piece) for 1 .. 8;
    $dead->close(reset => 1);
    is($sled->await('terminal.close')->{payload}{session_id}, 'dead',
        "$where: a dead browser");

    # ---- a viewer: what it has missed comes again

    my $driver = $t->browser(at => 1 - $at);
    $sled->open($driver, 'shared');
    my $viewer = $t->browser(at => $at, query => 'session=shared');
    $viewer->await('terminal.opened');

    $all = '';

    for (1 .. 40) {
        my $part = $piece x 2;
        substr $part, 0, 8, sprintf '%08d', $_;
        $sled->show('shared', $part) for 1 .. 10;
        $all .= $part x 10;
        $driver->shown(10 * length $part);
    }

    ok(!grep({ $_->{type} eq 'terminal.pause' } @{$sled->{skipped} // []}),
        "$where: a slow viewer pauses nobody");

    my $pid = fork // die $!;

    if (!$pid) {
        alarm 60;
        while (my $a = $sled->await('terminal.attach')) {
            my $from = $a->{payload}{offset};
            $sled->say('terminal.opened', session_id => 'shared',
                request_id => $a->{payload}{request_id}, offset => $from);
            for (my $i = $from; $i < length $all; $i += 8192) {
                $sled->show('shared', substr $all, $i, 8192);
            }
        }
        POSIX::_exit(0);
    }

    ok($viewer->shown(length $all) eq $all, "$where: the viewer has it all");
    ok(!grep({ $_->{type} eq 'terminal.gap' } @{$viewer->{skipped} // []}),
        "$where: without a gap");
    kill KILL => $pid;
    waitpid $pid, 0;
    ok($driver->quiet, "$where: nothing twice to the driver");

    $_->close for $viewer, $driver, $quick, $sled;
    $t->wait_for(sub { $t->status->{sleds}{connections} == 0 });

    # ---- a sled that can neither pause nor repeat

    ($sled, $slow) = $t->terminal(sled => { at => 0 }, session => 'plain',
        browser => { at => $at }, features => ['resume']);
    $viewer = $t->browser(at => $at, query => 'session=plain');
    $viewer->await('terminal.opened');

    is((flood($sled, 'plain') // {})->{payload}{reason},
        'slow_consumer', "$where: a sled that cannot pause");

    my $got = 0;
    my @gaps;
    while (my $x = $viewer->recv_json) {
        $got += length MIME::Base64::decode_base64($x->{payload}{data_b64})
            if $x->{type} eq 'terminal.data';
        push @gaps, $x->{payload} if $x->{type} eq 'terminal.gap';
    }
    ok($got > 0, "$where: its viewer has had something");

    $_->close for $viewer, $slow, $sled;
    $t->wait_for(sub { $t->status->{sleds}{connections} == 0 });
}

$t->finish;

done_testing;
