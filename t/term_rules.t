#!/usr/bin/perl

# The rules of terminals, one by one: which task is taken, who looks on, what
# happens while a shell opens, what is said in which form, and what the end
# never waits for.

use strict;
use warnings;

use Digest::SHA qw/ sha256_hex /;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64;

use Test::More;
use Time::HiRes qw/ time sleep /;
use Uplink::Fleet;

my $t = Uplink::Fleet->new;

$t->write_file('tokens', join '', map {
    "$_->[0]:$_->[1]:" . sha256_hex("$_->[0]-secret") . ":workspaces=w\n"
} ['olga', 'operator'], ['vera', 'viewer']);

$t->fleet(<<'EOC', size => '4m', listen => 'sndbuf=16k')->run;
        uplink_send_buffer 64k;

        location = /idle {
            uplink_terminal main issue=i workspace=w;
            uplink_idle_timeout 2s;
        }

        location = /never {
            uplink_terminal main issue=i workspace=w;
            uplink_idle_timeout 0;
        }

        location = /auth {
            uplink_terminal main issue=i workspace=w;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
EOC

my %features = (features => { map { $_ => JSON::PP::true() }
    'terminal.flow', 'terminal.replay' });

sub task {
    my ($id, %more) = @_;

    return { task_id => $id, workspace_id => 'w', issue_id => 'i',
        work_dir => "/$id", %more };
}

sub code {
    my ($ws) = @_;

    return ($ws->await('terminal.error') // {})->{payload}{code};
}

# ---- which task

my $alpha = $t->sled('alpha', at => 0, %features);
my $beta = $t->sled('beta', at => 1, %features);

$alpha->tasks(task('old'));
$beta->tasks(task('new'), task('nowhere', work_dir => undef));

my $ws = $t->browser;
my ($open) = $beta->open($ws, 'b');
is($open->{task_id}, 'new', 'the newest task that has a work_dir');
$ws->close;
is($beta->await('terminal.close')->{payload}{session_id}, 'b', 'closed');

$beta->send_close(1000);
$beta->close;
$t->wait_for(sub { $t->status->{sleds}{connections} == 1 });
$ws = $t->browser;
($open) = $alpha->open($ws, 'a');
is($open->{task_id}, 'old', 'whose sled is connected');
$ws->close;
$alpha->await('terminal.close');

is($t->http(PUT => '/v1/sleds/alpha/tasks', json => { tasks => [
    task('put')] })->status, 200, 'PUT tasks');
$ws = $t->browser(query => 'cols=0&rows=');
($open) = $alpha->open($ws, 'p');
is($open->{task_id}, 'put', 'a task by PUT');
is("$open->{cols}x$open->{rows}", '80x24', 'no size is 80x24');
$ws->close;
$alpha->await('terminal.close');

# ---- while it opens

for my $at (0, 1) {
    $ws = $t->browser(at => $at);
    $open = $alpha->await('terminal.open')->{payload};
    $ws->close;
    $t->wait_for(sub { $t->status->{terminals}{browsers} == 0 });
    $alpha->say('terminal.opened', session_id => "gone-$at",
        request_id => $open->{request_id});
    is_deeply($alpha->await('terminal.close')->{payload}, {
        session_id => "gone-$at", reason => 'browser_disconnect' },
        "the browser was lost while it opened, at $at");

    $ws = $t->browser(at => $at);
    $ws->type('early,');
    $ws->type('x' x 30_000) for 1 .. 3;
    is(code($ws), 'sled_away', "typed before it opened: 64 KiB, at $at");
    $alpha->open($ws, "early-$at");
    $ws->type('late');
    my $typed = $alpha->typed(60_010);
    is(substr($typed, 0, 6) . substr($typed, -4), 'early,late',
        "in its order, at $at");
    $ws->close;
    $alpha->await('terminal.close');
}

my $gamma = $t->sled('gamma', at => 0, %features);
$ws = $t->browser(path => '/shell', query => 'sled=gamma');
ok($gamma->await('terminal.open'), 'it is to be opened');
$gamma->close(reset => 1);
is(code($ws), 'sled_offline', 'the sled was lost while it opened');
$ws->expect_close(1011, 'the sled was lost: closed');

$ws = $t->browser;
$open = $alpha->await('terminal.open')->{payload};
$alpha->say('terminal.error', request_id => $open->{request_id},
    code => 'unsupported_os', message => 'no PTY here');
is(code($ws), 'unsupported_os', 'what the sled says is handed on');

# ---- a sled that does not register

my $plain = $t->ws('/sled?sled=plain', at => 0);
bless $plain, 'Uplink::Fleet::Sled';
$plain->tasks(task('p1', issue_id => 'plain'));
$ws = $t->browser(path => '/term/plain', at => 1);
$plain->open($ws, 'plain');
$plain->show('plain', 'bye');
is($ws->shown(3), 'bye', 'a sled that does not register');
$plain->close(reset => 1);
is_deeply($ws->await(sub { 1 })->{payload}, { session_id => 'plain',
    exit_code => -1, reason => 'sled_lost' }, 'is lost at once');
$ws->expect_close(1000, 'is lost: closed');

# ---- who looks on

my ($one, $two) = map { $t->browser(at => $_) } 0, 1;
$alpha->open($one, 'one');
$alpha->open($two, 'two');

my $view = bless $t->ws('/auth?workspace_id=w&mode=view',
    protocol => 'uplink.v1', headers => [
    Authorization => 'Bearer vera-secret']), 'Uplink::Fleet::Browser';
my $opened = $view->await('terminal.opened');
is($opened && $opened->{payload}{session_id}, 'two',
    'the role viewer looks on, at the newest');
is($opened->{payload}{mode}, 'view', 'and only that');

$alpha->show('two', 'seen');
is($_->shown(4), 'seen', 'both are shown') for $two, $view;
$view->say('terminal.close');
ok($alpha->quiet, 'a viewer does not close it');

$two->close;
is($alpha->await('terminal.close')->{payload}{session_id}, 'two',
    'its driver left');
is($view->await('terminal.exit')->{payload}{reason}, 'browser_disconnect',
    'so the viewer hears the end');
$view->expect_close(1000, 'and is closed');

my @views = map { $t->browser(query => 'session=one&mode=view') } 1 .. 15;
is(code($t->browser(query => 'session=one&mode=view')),
    'too_many_terminals', 'sixteen look at one terminal');
$_->close for @views;

$one->close;
$alpha->await('terminal.close');

# ---- idle: only what goes through counts

$one = $t->browser(path => '/never');
$alpha->open($one, 'never');
my $never = $one;

$one = $t->browser(path => '/idle');
$alpha->open($one, 'one');

my $until = time + 2.5;

while (time < $until) {
    $alpha->show('one', 's');
    $one->shown(1);
    sleep 0.2;
    $one->type('t');
    $alpha->typed(1);
    sleep 0.2;
}

ok($one->quiet, 'data either way keeps it');
is(code($one), 'idle_timeout', 'then it is idle');
$one->expect_close(4004, 'idle: closed');
is($alpha->await('terminal.close')->{payload}{session_id}, 'one',
    'and nothing else ends');

$alpha->show('never', 'still');
is($never->shown(5), 'still', '0 is never');
$never->close;
$alpha->await('terminal.close');
$alpha->close;
$t->wait_for(sub { $t->status->{sleds}{connections} == 0 });

# ---- binary messages

for my $at (0, 1) {
    my ($sled, $browser);
    ($sled, $browser, $open) = $t->terminal(sled => { at => 0,
        protocol => 'uplink.bin.v1' }, session => "bin-$at",
        browser => { at => $at, binary => 1 });
    my $handle = pack 'H16', $open->{handle};

    # every cut of a frame, both ways, and of one in fragments

    my $frame = $sled->frame(2, "\x01${handle}0123456789");
    $sled->send_split($frame, $_) for 1 .. length($frame) - 1;
    is($browser->shown(10 * (length($frame) - 1)),
        '0123456789' x (length($frame) - 1), "at $at: cut anywhere, shown");

    my $text = $browser->frame(1, JSON::PP::encode_json({
        type => 'terminal.data', payload => { data_b64 => 'YWJj' } }));

    for my $f ($browser->frame(2, "\x01${handle}abc"), $text) {
        $browser->send_split($f, $_) for 1 .. length($f) - 1;
        is($sled->typed(3 * (length($f) - 1)), 'abc' x (length($f) - 1),
            "at $at: cut anywhere, typed");
    }

    $browser->send_fragments(2, "\x01" . substr($handle, 0, 3),
        substr($handle, 3) . 'd', 'ef');
    is($sled->typed(3), 'def', "at $at: fragments");

    # the handle of a browser is not believed, that of a sled is looked up

    $browser->send_bin("\x01" . 'x' x 8 . 'own');
    is($sled->typed(3), 'own', "at $at: a foreign handle of a browser");
    is($sled->{handle}, $open->{handle}, "at $at: ours is written");

    my $before = $t->counters->{foreign_session};
    $sled->send_bin("\x01" . 'x' x 8 . 'evil');
    ok($sled->quiet, "at $at: a foreign handle of a sled");
    is($t->counters->{foreign_session}, $before + 1, "at $at: is counted");
    ok($browser->quiet, "at $at: and not shown");

    # who agreed on binary may say it in JSON

    $sled->show("bin-$at", 'json');
    is($browser->shown(4), 'json', "at $at: JSON of the sled");
    $browser->type('json');
    is($sled->typed(4), 'json', "at $at: JSON of the browser");

    # no data, no kind

    $_->send_bin("\x01$handle") for $sled, $browser;

    for my $bad ("\x02${handle}x", "\x01" . 'x' x 7, '') {
        $browser->send_bin($bad);
        is(code($browser), 'bad_request', "at $at: a bad message");
        $sled->send_bin($bad);
        is($sled->await('error')->{payload}{code}, 'bad_message',
            "at $at: a bad message of the sled");
    }

    $sled->say('terminal.exit', session_id => "bin-$at", exit_code => 0);
    $browser->expect_close(1000, "at $at: the end");
    $sled->close;
    $t->wait_for(sub { $t->status->{sleds}{connections} == 0 });
}

# ---- the end waits for nothing, and comes behind everything

my $piece = join '', map { chr rand 256 } 1 .. 4096;

for my $case ([0, 'exit'], [1, 'exit'], [0, 'error'], [1, 'error']) {
    my ($at, $end) = @$case;
    my $name = "$end at $at";

    my ($sled, $slow) = $t->terminal(sled => { at => 0 },
        browser => { at => $at, rcvbuf => 8192 }, session => 'full');
    my $n = 0;

    until ($n > 200 || $sled->await('terminal.pause', 0.005)) {
        $sled->show('full', $piece);
        $n++;
    }

    cmp_ok($n, '<', 200, "$name: its buffer is full");

    for (1 .. 40) {
        $sled->show('full', $piece);
        $n++;
    }

    $sled->say("terminal.$end", session_id => 'full',
        $end eq 'exit' ? (exit_code => 7)
            : (code => 'host_lost', message => 'gone'));
    ok($t->wait_for(sub { $t->status->{terminals}{sessions} == 0 }),
        "$name: it has ended");

    ok($slow->shown($n * 4096) eq $piece x $n, "$name: all of the data");
    my $m = $slow->await("terminal.$end");
    is($m->{payload}{$end eq 'exit' ? 'exit_code' : 'code'},
        $end eq 'exit' ? 7 : 'host_lost', "$name: then that");
    $slow->expect_close($end eq 'exit' ? 1000 : 1011, "$name: closed");
    $sled->close;
    $t->wait_for(sub { $t->status->{sleds}{connections} == 0 });
}

# ---- a viewer who is slow, of a sled that cannot repeat, is told

for my $at (0, 1) {
    my ($sled, $driver) = $t->terminal(sled => { at => 0 },
        features => ['terminal.flow'], session => 'gap');
    my $slow = $t->browser(at => $at, rcvbuf => 8192,
        query => 'session=gap&mode=view');
    $slow->await('terminal.opened');
    my $all = '';

    for my $i (1 .. 60) {
        my $part = pack('N', $i) . substr $piece, 4;
        $sled->show('gap', $part);
        $all .= $part;
        $driver->shown(4096);
    }

    my ($at_byte, $gaps, $wrong) = (0, 0, 0);
    my $say = 0;

    while ($at_byte < length $all) {
        my $m = $slow->recv_json(0.2);

        if (!$m) {
            last if $say++ > 20;
            my $part = "more$say";
            $sled->show('gap', $part);
            $all .= $part;
            $driver->shown(length $part);
            next;
        }

        if ($m->{type} eq 'terminal.gap') {
            $wrong++ if $m->{payload}{from} != $at_byte;
            $at_byte = $m->{payload}{to};
            $gaps++;
            next;
        }

        my $got = decode_base64($m->{payload}{data_b64});
        $wrong++ if $got ne substr $all, $at_byte, length $got;
        $at_byte += length $got;
    }

    is($wrong, 0, "a slow viewer at $at: each byte is in its place");
    is($at_byte, length $all, "a slow viewer at $at: up to the end");
    cmp_ok($gaps, '>', 0, "a slow viewer at $at: what is missing is told");

    $sled->say('terminal.exit', session_id => 'gap', exit_code => 0);
    $_->close for $driver, $slow, $sled;
    $t->wait_for(sub { $t->status->{sleds}{connections} == 0 });
}

$t->finish;

done_testing;
