#!/usr/bin/perl

# A sled that writes as fast as it can and stops when it is told to: what is
# in the sockets then, some megabytes, costs it nothing.  One that goes on
# behind its pong is cut, and so is one that never answers.  Where nobody is
# there to read, it is paused as well, until somebody comes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Fleet;

my $rounds = 20;
my $size = 16384;

# every piece says which one it is

my $piece = join '', map { chr rand 256 } 1 .. $size;

sub piece { return pack('Q>', $_[0]) . substr $piece, 8 }

my $t = Uplink::Fleet->new->fleet(undef, size => '64m')->run;

for my $at (0, 1) {
    my $where = $at ? 'two workers' : 'one worker';

    my ($sled, $browser, $open) = $t->terminal(
        sled => { at => 0, protocol => 'uplink.bin.v1' },
        browser => { at => $at, binary => 1 }, session => "fast-$at");

    my $head = pack 'C H16', 1, $open->{handle};

    pipe my $in, my $out or die $!;
    pipe my $go, my $stop or die $!;

    # the sled: stops at "pause", says how much it has sent, and goes on

    my $pid = fork // die $!;

    if (!$pid) {
        alarm 120;
        my $n = 0;

        for (1 .. $rounds) {
            my ($m, $frames) = (undef, 0);

            until ($m) {
                $sled->write($sled->frame(2, $head . piece($n++),
                    mask => "\0\0\0\0"));
                $frames++;
                $m = $sled->await('terminal.pause', 0.01) if $sled->readable;
            }

            # what is here of it then has been sent before the pause came

            syswrite $out, pack 'Q', $n;
            $sled->await('terminal.resume', 30) or last;
        }

        $sled->write($sled->frame(2, $head . piece($_))) for $n .. $n + 3;
        sysread $go, my $byte, 1;
        POSIX::_exit(0);
    }

    my ($next, @wrong) = (0);

    for my $round (1 .. $rounds) {
        sysread $in, my $n, 8;
        $n = unpack 'Q', $n;

        my $got = $browser->shown(($n - $next) * $size, 20);

        for my $i ($next .. $n - 1) {
            next if substr($got, ($i - $next) * $size, $size) eq piece($i);
            push @wrong, "round $round, piece $i";
            last;
        }

        last if @wrong;
        $next = $n;
    }

    is_deeply(\@wrong, [], "$where: $rounds pauses, not a byte lost")
        or diag explain $browser->{skipped};

    kill KILL => $pid;
    waitpid $pid, 0;

    $_->close for $sled, $browser;
    $t->wait_for(sub { $t->status->{sleds}{connections} == 0 });
}

$t->finish;

# ---- with small buffers: what is counted, and from when on

$t = Uplink::Fleet->new->fleet('uplink_send_buffer 64k;
    uplink_terminal_linger 20s;', size => '16m',
    listen => 'sndbuf=16k rcvbuf=64k')->run;

my $text = join '', map { chr rand 256 } 1 .. 4096;
my $all;

sub show {
    my ($sled, $session, $n) = @_;

    for (1 .. $n) {
        $sled->show($session, $text);
        $all .= $text;
    }

    return;
}

# all that was sent has been looked at: what it has led to, by type.  Pings
# are not answered, but kept in {fence}.

my $beat = 0;

sub heard {
    my ($sled) = @_;

    my %heard;

    $sled->send_json({ type => 'heartbeat', req_id => 'b' . ++$beat,
        payload => {} });

    while (my $f = $sled->recv_frame) {
        $sled->{fence} = $f->{payload} if $f->{opcode} == 9;
        next if $f->{opcode} != 1;

        my $m = JSON::PP::decode_json($f->{payload});
        return \%heard if ($m->{req_id} // '') eq "b$beat";
        $heard{$m->{type}} = $m->{payload};
    }

    die 'the sled is not heard: ' . $sled->error;
}

sub until_paused {
    my ($sled, $session) = @_;

    for (1 .. 500) {
        show($sled, $session, 4);
        return 1 if heard($sled)->{'terminal.pause'};
    }

    return;
}

# how many KiB are taken, out of so many

sub taken {
    my ($sled, $session, $max) = @_;

    for (my $n = 0; $n < $max; $n += 16) {
        show($sled, $session, 4);
        my $heard = heard($sled);
        return ($n, $heard->{'terminal.close'}{reason})
            if $heard->{'terminal.close'};
    }

    return $max;
}

for my $at (0, 1) {
    my $where = $at ? 'two workers' : 'one worker';

    my ($sled, $browser) = $t->terminal(sled => { at => 0 },
        browser => { at => $at, rcvbuf => 8192 }, session => "a$at");

    $all = '';
    ok(until_paused($sled, "a$at"), "$where: paused");
    like($sled->{fence} // '', qr/\A.{8}\z/s, "$where: a ping follows");

    is(taken($sled, "a$at", 512), 512, "$where: what is under way is taken");
    $sled->send_frame(10, $sled->{fence});
    is(taken($sled, "a$at", 240), 240, "$where: 240 KiB behind its pong");

    # (the close comes in a turn of its own)

    my ($n, $reason) = taken($sled, "a$at", 256);
    ok($n <= 64, "$where: 256 KiB, and no more") or diag "$n KiB more";
    is($reason, 'slow_consumer', "$where: slow_consumer");

    # all that was taken arrives, then the error

    my $got = $browser->shown(length $all, 5);
    my ($error) = grep { $_->{type} eq 'terminal.error' }
        @{$browser->{skipped}};
    is($error && $error->{payload}{code}, 'slow_consumer',
        "$where: the browser hears it");
    ok($got eq substr($all, 0, length $got), "$where: behind the data");
    cmp_ok(length $got, '>', (512 + 240) * 1024, "$where: all of that");

    # nothing at all is answered

    $browser = $t->browser(at => $at, rcvbuf => 8192);
    $sled->open($browser, "b$at");

    $all = '';
    ok(until_paused($sled, "b$at"), "$where: paused");
    ($n, $reason) = taken($sled, "b$at", 4096);
    is($reason, 'slow_consumer', "$where: a sled that answers nothing");
    cmp_ok($n, '<', 1400, "$where: has so much only");
    $browser->close;

    # ---- nobody is there

    $browser = $t->browser(at => $at);
    my (undef, $opened) = $sled->open($browser, "c$at");
    $all = '';
    show($sled, "c$at", 4);
    $browser->shown(length $all);
    my $had = length $all;

    $t->leave($browser);
    show($sled, "c$at", 28);
    ok(!heard($sled)->{'terminal.pause'}, "$where: nobody is there: a little");
    show($sled, "c$at", 8);
    ok(heard($sled)->{'terminal.pause'}, "$where: and no more");
    show($sled, "c$at", 64);
    ok(!%{heard($sled)}, "$where: what was on its way is nobody's fault");

    $browser = $t->browser(at => $at, resume => $opened->{resume_token},
        query => "session=c$at&offset=$had");
    is($sled->replay("c$at", $all)->{offset}, $had, "$where: back");
    ok(heard($sled)->{'terminal.resume'}, "$where: and it goes on");
    ok($browser->shown(length($all) - $had) eq substr($all, $had),
        "$where: with all that there was");

    # one who has read all of it has nothing repeated, but goes on, too

    $t->leave($browser);
    show($sled, "c$at", 40);
    ok(heard($sled)->{'terminal.pause'}, "$where: paused once more");
    $browser = $t->browser(at => $at, query => "session=c$at&mode=view&offset="
        . length $all);
    $browser->await('terminal.opened');
    my $heard = heard($sled);
    ok($heard->{'terminal.resume'}, "$where: a viewer is somebody");
    ok(!$heard->{'terminal.attach'}, "$where: who has read all of it");
    $sled->show("c$at", 'more');
    is($browser->shown(4), 'more', "$where: and reads on");

    $sled->say('terminal.exit', session_id => "c$at", exit_code => 0);
    $_->close for $browser, $sled;
    $t->wait_for(sub { $t->status->{sleds}{connections} == 0 });
}

$t->finish;

done_testing;
