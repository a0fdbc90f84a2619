#!/usr/bin/perl

# Whoever brings the resume token drives: a connection that has that place
# still may have died without anybody noticing.  It is told, and never is
# there more than one that types.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new->fleet('uplink_terminal_linger 20s;
    uplink_resume_window 20s; uplink_send_buffer 64k;',
    size => '4m', listen => 'sndbuf=16k')->run;

my %features = map { $_ => JSON::PP::true() } 'terminal.flow',
    'terminal.replay';
my $n = 0;

# (sled in worker 0, browser at, token, all that was shown)

sub begin {
    my ($at, %arg) = @_;

    my ($sled, $browser, $open, $opened) = $t->terminal(sled => { at => 0 },
        browser => { at => $at, %arg }, session => 's' . ++$n);
    my $all = join '', map { chr rand 256 } 1 .. 5000;

    $sled->show("s$n", $all);
    $browser->shown(length $all) eq $all or die 'not shown';

    return ($sled, $browser, $opened->{resume_token}, $all);
}

sub again {
    my ($token, $offset, %arg) = @_;

    return $t->browser(resume => $token,
        query => "session=s$n" . (defined $offset ? "&offset=$offset" : ''),
        %arg);
}

sub end {
    my ($sled, @others) = @_;

    $sled->say('terminal.exit', session_id => "s$n", exit_code => 0);
    $_->close for $sled, @others;
    $t->wait_for(sub { my $s = $t->status;
        $s->{terminals}{browsers} == 0 && $s->{sleds}{connections} == 0 });

    return;
}

for my $case ([0, 0], [0, 1], [1, 0], [1, 1]) {
    my ($from, $to) = @$case;
    my $name = "worker $from to $to";

    my ($sled, $old, $token, $all) = begin($from);

    my $new = again($token, length $all, at => $to);
    my $opened = $new->await('terminal.opened');
    is($opened && $opened->{payload}{mode}, 'drive', "$name: it drives");
    is($opened->{payload}{offset}, length $all, "$name: from its byte");
    $old->type('old');
    $new->type('new');
    is($sled->typed(3), 'new', "$name: and nobody else");
    $old->expect_close(4001, "$name: who is told");
    ok($sled->quiet, "$name: nothing more is typed");

    # an answer that never came: the token is good still

    my $lost = again($token, 0, at => $from);
    $lost->close(reset => 1);
    $new->expect_close(4001, "$name: replaced");

    my $last = again($token, 1000, at => $to);
    # asked once or twice, by those who are gone as well

    until ($last->readable) {
        my $m = $sled->await('terminal.attach', 0.05) or next;
        my $from = $m->{payload}{offset};
        $sled->say('terminal.opened', session_id => "s$n", offset => $from,
            request_id => $m->{payload}{request_id});
        $sled->show("s$n", substr $all, $from);
    }

    is($last->await('terminal.opened')->{payload}{mode}, 'drive',
        "$name: the same token again");
    ok($last->shown(4000) eq substr($all, 1000), "$name: from byte 1000");
    $last->type('last');
    is($sled->typed(4), 'last', "$name: the same shell");

    # without the token, and to look only

    my $guest = $t->browser(query => "session=s$n&offset=" . length $all);
    is($guest->await('terminal.opened')->{payload}{mode}, 'view',
        "$name: without the token");
    my $view = again($token, length $all, query => "session=s$n&mode=view"
        . '&offset=' . length $all);
    my $seen = $view->await('terminal.opened')->{payload};
    is($seen->{mode}, 'view', "$name: mode=view");
    is($seen->{resume_token}, undef, "$name: without a token of its own");
    ok($last->quiet, "$name: neither replaces anybody");

    end($sled, $guest, $view, $last);
}

# ---- one that does not read, as behind a dead network; the sled is paused

for my $at (0, 1) {
    my ($sled, $old, $token, $all) = begin($at, rcvbuf => 8192);
    my $had = length $all;
    my $part = join '', map { chr rand 256 } 1 .. 4096;

    for (1 .. 200) {
        $sled->show("s$n", $part);
        $all .= $part;
        last if $sled->await('terminal.pause', 0.01);
    }

    my $new = again($token, $had, at => 1);
    $sled->replay("s$n", $all);
    ok($sled->await('terminal.resume'), "not read in $at: the sled goes on");
    is($new->await('terminal.opened')->{payload}{mode}, 'drive',
        "not read in $at: replaced even so");
    ok($new->shown(length($all) - $had) eq substr($all, $had),
        "not read in $at: every byte");
    end($sled, $old, $new);
}

# ---- many at once: one is left

{
    my ($sled, $old, $token, $all) = begin(1);

    my @all = map { again($token, length $all, at => $_ % 2) } 1 .. 8;
    ok($t->wait_for(sub { $t->status->{terminals}{browsers} == 1 }),
        'eight at once: one stays');

    $old->expect_close(4001, 'the first');

    my @modes = map { my $m = $_->await(sub { 1 });
        $m && $m->{type} eq 'terminal.opened' ? $m->{payload}{mode} : () }
        @all;
    my @left = grep { ($_->{error} // '') ne 'close' && $_->quiet } @all;
    is(scalar @left, 1, 'one is not told to go');
    is_deeply([grep { $_ ne 'drive' } @modes], [], 'nobody only looks');
    $left[0]->type('me');
    is($sled->typed(2), 'me', 'and types');
    end($sled, @all);
}

# ---- those who look on never keep the driver out

for my $left (0, 1) {
    my ($sled, $old, $token, $all) = begin(1);

    my @views = map { $t->browser(query => "session=s$n&mode=view&offset="
        . length $all) } 1 .. 15;
    $_->await('terminal.opened') for @views;
    is($t->browser(query => "session=s$n&mode=view")
        ->await('terminal.error')->{payload}{code}, 'too_many_terminals',
        'fifteen look on');

    $t->leave($old) if $left;
    my $new = again($token, length $all, at => 0);
    my $m = $new->await('terminal.opened');
    is($m && $m->{payload}{mode}, 'drive', 'its driver comes even so');
    $sled->show("s$n", 'seen');
    is(scalar(grep { $_->shown(4) eq 'seen' } @views, $new), 16,
        'all of them are shown');
    end($sled, $old, $new, @views);
}

# ---- while the sled is away

{
    my ($sled, $old, $token, $all) = begin(1);
    $sled->close(reset => 1);
    $old->await('terminal.state');
    $old->type('kept,');
    ok($old->quiet, 'kept');

    my $new = again($token, length $all, at => 0);
    is($new->await('terminal.state')->{payload}{state}, 'sled_away',
        'away: told');
    $old->expect_close(4001, 'away: replaced');
    $new->type('too');

    my $back = $t->sled('alpha', at => 1, resume => $sled,
        features => \%features);
    $back->replay("s$n", $all);
    is($new->await('terminal.state')->{payload}{state}, 'attached',
        'away: back');
    is($back->typed(8), 'kept,too', 'what both have typed');
    end($back, $new);
}

$t->finish;

done_testing;
