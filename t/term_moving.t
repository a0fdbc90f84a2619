#!/usr/bin/perl

# A stream that never pauses for anything, while nginx is reloaded under it,
# and while the worker of either side is killed: the sled and the browser
# come back, and not a byte is missing or doubled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw/ time sleep /;
use Uplink::Fleet;

my $t = Uplink::Fleet->new->fleet('uplink_terminal_linger 20s;
    uplink_resume_window 20s; uplink_drain_timeout 3s;',
    size => '16m')->run;

my %features = (features => { map { $_ => JSON::PP::true() }
    'terminal.flow', 'terminal.replay' });

# byte N of the stream is known to everybody

my $block = join '', map { chr rand 256 } 1 .. 65_521;

sub stream {
    my ($at, $n) = @_;

    my $from = $at % length $block;

    return substr $block x (2 + $n / length $block), $from, $n;
}

my $total = 24 * 1024 * 1024;

my ($sled, $browser, $open, $opened) = $t->terminal(sled => { at => 0 },
    browser => { at => 1 });

# ---- the sled, a process: writes as long as it may, from where it is asked

my $pid = fork // die $!;

if (!$pid) {
    alarm 100;
    my ($at, $paused, $held) = (0, 0, 0);

    while (1) {
        if ($sled->error && $sled->error ne 'timeout') {

            # a worker that was killed takes its connections with it

            my $new;
            sleep 0.01 until $new = eval { $t->sled('alpha',
                resume => $sled, %features) };
            ($sled, $held) = ($new, 1);
        }

        if (!$held && !$paused && $at < $total) {
            $sled->show('s1', stream($at, 4096));
            $at += 4096;
        }

        next if !$sled->readable && !$held && !$paused && $at < $total;

        my $m = $sled->recv_json(0.5) or next;
        my $type = $m->{type};

        if ($type eq 'terminal.attach') {
            ($at, $held, $paused) = ($m->{payload}{offset}, 0, 0);
            $sled->say('terminal.opened', session_id => 's1', offset => $at,
                request_id => $m->{payload}{request_id});

        } elsif ($type eq 'terminal.pause') {
            $paused = 1;

        } elsif ($type eq 'terminal.resume') {
            $paused = 0;

        } elsif ($type eq 'drain') {
            my $old = $sled;
            sleep $m->{payload}{reconnect_after_ms} / 1000;
            $sled = $t->sled('alpha', resume => $old, %features);
            $held = 1;
            $old->close;

        } elsif ($type eq 'terminal.close') {
            POSIX::_exit(0);
        }
    }
}

# the socket is that process' alone

CORE::close delete $sled->{sock};

# ---- the browser

my ($at, $wrong, $times) = (0, undef, 0);

sub back {
    $times++;

    my $new = eval { $t->browser(resume => $opened->{resume_token},
        query => "session=s1&offset=$at") } or return;
    my $m = $new->await('terminal.opened', 10) or return;

    $wrong //= "$m->{payload}{mode} from $m->{payload}{offset}, not $at"
        if $m->{payload}{mode} ne 'drive' || $m->{payload}{offset} != $at;
    $browser->close;
    ($browser, $opened) = ($new, $m->{payload});

    return 1;
}

# reads up to there, and until it has come back so many times; a worker may
# be gone, and its successor not yet there

sub read_to {
    my ($end, $min) = @_;

    my $deadline = time + 40 * $Uplink::Socket::patience;

    while (($at < $end || $times < ($min // 0)) && !$wrong
        && time < $deadline)
    {
        $browser->{skipped} = [];
        my $got = $browser->shown(1, 2);

        if (length $got) {
            $wrong = "at $at" if $got ne stream($at, length $got);
            $at += length $got;
        }

        my @m = @{$browser->{skipped}};
        my ($drain) = grep { $_->{type} eq 'drain' } @m;
        my ($bad) = grep { $_->{type} !~ /^(drain|terminal\.state)$/ } @m;
        $wrong //= "$bad->{type} at $at" if $bad;

        if ($drain || ($browser->error && $browser->error ne 'timeout')) {
            back() or sleep 0.02;
        }
    }

    return !$wrong && $at >= $end;
}

my $step = $total / 6;

for my $n (1 .. 3) {
    ok(read_to($n * $step), "it is read, $n")
        or diag $wrong // "stopped at $at";
    $t->reload(wait => 'new');
    ok(read_to($n * $step + 65536, $n), "through a reload, $n")
        or diag $wrong // "stopped at $at";
}

# the one of the browser, then both

$t->wait_for(sub { @{$t->status->{workers}} == 2 }, 10);

for my $n (4, 5) {
    ok(read_to($n * $step), "it is read, $n")
        or diag $wrong // "stopped at $at";

    my @pids = $n == 4 ? $t->pid_of($browser) : $t->workers;
    $t->kill9($_) for @pids;
}

ok(read_to($total), 'to the end') or diag $wrong // "stopped at $at";
is($at, $total, 'and no further');
ok($browser->quiet, 'nothing follows');
cmp_ok($times, '>=', 4, "it has come back $times times");

$browser->say('terminal.close');
waitpid $pid, 0;
is($?, 0, 'the sled hears the end');
$browser->close;

$t->finish;

done_testing;
