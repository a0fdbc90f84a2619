#!/usr/bin/perl

# Workers that leave or die, browsers that come back: the shell is the same,
# and no byte is missing or doubled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new->fleet('uplink_terminal_linger 10s;
    uplink_resume_window 10s; uplink_drain_timeout 4s;',
    size => '2m')->run;

my %features = (features => { map { $_ => JSON::PP::true() }
    'terminal.flow', 'terminal.replay' });
my $n = 0;
my $all;

# a terminal that has shown something: (sled, browser, token)

sub begin {
    my ($at, $browser_at) = @_;

    my ($sled, $browser, $open, $opened) = $t->terminal(
        sled => { at => $at }, browser => { at => $browser_at },
        session => 's' . ++$n);

    $all = join '', map { chr rand 256 } 1 .. 9000;
    $sled->show("s$n", $all);
    $browser->shown(length $all);

    return ($sled, $browser, $opened->{resume_token});
}

# the browser dials again, and reads all that it has not read

sub again {
    my ($name, $sled, $browser, $token, $had, %arg) = @_;

    my $new = $t->browser(resume => $token, %arg,
        query => "session=s$n&offset=$had");

    $sled->replay("s$n", $all) if $had < length $all;

    my $m = $new->await('terminal.opened');
    is($m->{payload}{mode}, 'drive', "$name: it drives again");
    is($m->{payload}{offset}, $had, "$name: from its byte");
    ok($new->shown(length($all) - $had) eq substr($all, $had),
        "$name: what it has missed");

    $new->type('ls');
    is($sled->typed(2), 'ls', "$name: the same shell");
    $sled->show("s$n", 'ok');
    is($new->shown(2), 'ok', "$name: goes on");

    $sled->say('terminal.exit', session_id => "s$n", exit_code => 0);
    $new->expect_close(1000, "$name: ends");
    $sled->send_close(1000);
}

# ---- the worker of the browser is killed

my ($sled, $browser, $token) = begin(0, 1);
my $pid = $t->pid_at(1);
$t->kill9($pid);
$browser->closed(5);
$t->wait_for(sub { ($t->pid_at(1) // $pid) != $pid });
$t->wait_for(sub { $t->status->{terminals}{browsers} == 0 });
$all .= 'while it was away';
$sled->show("s$n", 'while it was away');
ok($sled->quiet, 'killed: the shell waits');
again('killed', $sled, $browser, $token, 5000);

# ---- the worker of the sled is killed

($sled, $browser, $token) = begin(0, 1);
$pid = $t->pid_at(0);
$t->kill9($pid);
is($browser->await('terminal.state')->{payload}{state}, 'sled_away',
    'sled killed: told');
$t->wait_for(sub { ($t->pid_at(0) // $pid) != $pid });
my $back = $t->sled('alpha', resume => $sled, %features);
is($browser->await('terminal.state')->{payload}{state}, 'attached',
    'sled killed: back');
$all .= 'more';
is($back->replay("s$n", $all)->{offset}, 9000, 'sled killed: from there');
is($browser->shown(4), 'more', 'sled killed: not a byte twice');
$browser->type('ls');
is($back->typed(2), 'ls', 'sled killed: the same shell');
$back->say('terminal.close', session_id => "s$n");
$browser->expect_close(1000, 'sled killed: ends');
$back->send_close(1000);

# ---- reload

($sled, $browser, $token) = begin(0, 1);
$t->reload(wait => 'new');
my $drain = $browser->await('drain')->{payload};
is($drain->{grace_ms}, 4000, 'drain: grace');
ok($drain->{reconnect_after_ms} <= 2000, 'drain: when');
ok($sled->await('drain'), 'drain: the sled hears it, too');

$sled->show("s$n", 'in between');
$all .= 'in between';
is($browser->shown(10), 'in between', 'drain: it goes on meanwhile');

my $new = $t->sled('alpha', resume => $sled, %features);
ok($new->{registered}{resumed}, 'drain: the sled comes first');
$sled->expect_close(1012, 'drain: its old connection');
is($new->replay("s$n", $all)->{offset}, length $all, 'drain: nothing lost');

again('drain', $new, $browser, $token, 9005);
$browser->expect_close(1012, 'drain: the old connection of the browser');

# ---- nobody comes back

$t->fleet('uplink_terminal_linger 200ms; uplink_idle_timeout 400ms;
    uplink_resume_window 200ms;', size => '2m');
$t->reload;

($sled, $browser) = begin(0, 1);
$browser->close;
my $gone = $sled->await('terminal.close');
is_deeply($gone->{payload}, { session_id => "s$n",
    reason => 'browser_disconnect' }, 'lingers, then closes');

my $idle = $t->browser;
$sled->open($idle, 'idle');
is($idle->await('terminal.error')->{payload}{code}, 'idle_timeout', 'idle');
$idle->expect_close(4004, 'idle: closed');
is($sled->await('terminal.close')->{payload}{reason}, 'idle_timeout',
    'idle: the sled hears it');

my $left = $t->browser;
$sled->open($left, 'left');
$left->say('terminal.close', reason => 'done');
$sled->await('terminal.close');
is($left->await('terminal.exit', 8)->{payload}{reason}, 'done',
    'a sled that does not answer a close');
$left->expect_close(1000, 'closed even so');

my $last = $t->browser;
$sled->open($last, 'last');
$sled->close(reset => 1);
is($last->await('terminal.state')->{payload}{state}, 'sled_away', 'lost');
is_deeply($last->await('terminal.exit')->{payload},
    { session_id => 'last', exit_code => -1, reason => 'sled_lost' },
    'lost for good');

$t->finish;

done_testing;
