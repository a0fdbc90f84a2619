#!/usr/bin/perl

# What agents ask besides permissions, what an operator hears of an answer's
# fate, and questions that outlive a link.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Uplink::Daemon;
use Uplink::Fleet;

my $json = JSON::PP->new->utf8->canonical;
my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my $t = Uplink::Fleet->new;

$t->fleet('uplink_resume_window 10s; uplink_request_timeout 20s;')->run;

my $sled = Uplink::Daemon->new(gateway => 'ws://127.0.0.1:' . $t->port
    . '/sled');

$sled->run('--stable', '1ms', '--grace', '20s', '--resume-window', '10s');
$sled->wait_log(qr/registered/);

my $op = $t->operator;

# sled ask with these flags, the message an operator gets, and the answer

my $ask;

sub asked {
    my ($type, @flags) = @_;

    $ask = $sled->start('ask', @flags);
    return $op->await($type) // BAIL_OUT("no $type: " . $ask->err);
}

sub answered {
    my ($code, $name) = @_;

    is($ask->wait, $code, $name) or diag($ask->out . $ask->err);
    return eval { $json->decode($ask->out) } // {};
}

sub reply {
    my ($m, $type, %fields) = @_;

    return $op->send_json({ type => $type, req_id => $m->{req_id}, %fields });
}

# ---- ask

my $m = asked('ask', '--kind', 'ask', '--task', 't1', '--question',
    '{"text":"which?","options":[1,2]}');
is($m->{task_id}, 't1', 'ask: of which task');
is_deeply($m->{question}, { text => 'which?', options => [1, 2] }, 'what');
reply($m, 'answer', value => { option => 2 });
is_deeply(answered(0, 'an answer: 0'),
    { type => 'answer', value => { option => 2 } }, 'is printed');

$m = asked('ask', '--kind', 'ask', '--task', 't1', '--question', 'go on?');
is_deeply($m->{question}, { text => 'go on?' }, 'a question as plain text');
reply($m, 'hook_ack', ok => $true);
is($op->await('error')->{code}, 'wrong_reply', 'no answer to a question');
reply($m, 'answer', value => undef);
answered(0, 'is waited for until there is one');

# ---- hooks

my @hook = ('--task', 't1', '--payload',
    '{"agent":"lead","attempt":2,"result":{"ok":true}}');

$m = asked('hook_before', '--kind', 'hook_before', @hook);
is("$m->{agent} $m->{attempt}", 'lead 2', 'hook_before: who, and how often');
reply($m, 'hook_ack', ok => $true);
is(answered(0, 'ok: 0')->{type}, 'hook_ack', 'is printed');

$m = asked('hook_before', '--kind', 'hook_before', @hook);
reply($m, 'hook_ack', ok => $false, reason => 'not now');
is(answered(1, 'not ok: 1')->{reason}, 'not now', 'with its reason');

$m = asked('hook_after', '--kind', 'hook_after', @hook);
is_deeply($m->{result}, { ok => $true }, 'hook_after: the result');
is(answered(0, 'is not waited for')->{type}, 'sent', 'and says so');

# ---- spawns

my @spawn = ('--kind', 'spawn', '--task', 't1', '--payload', '{"agent":"lead",'
    . '"attempt":1,"capability_token":"c","directive":"do it"}');

$m = asked('spawn', @spawn);
is($m->{directive}, 'do it', 'spawn: what is to be done');
reply($m, 'spawn_ack', value => { done => 1 });
my $answer = answered(0, 'acknowledged: 0');
is_deeply([@$answer{qw(type ok value)}], ['spawn_ack', $true, { done => 1 }],
    'is printed');

$m = asked('spawn', @spawn);
reply($m, 'spawn_ack', ok => $false, error => 'broken');
is(answered(1, 'it went wrong: 1')->{error}, 'broken', 'with the error');

$m = asked('spawn', @spawn);
reply($m, 'spawn_halt', reason => 'enough');
is(answered(1, 'a halt: 1')->{reason}, 'enough', 'with its reason');

# ---- to somebody, who is not there

$ask = $sled->start('ask', '--kind', 'ask', '--task', 't1', '--question', 'q',
    '--operator', 'S-nobody');
is(answered(2, 'an unknown operator: 2')->{error}{code}, 'operator_unknown',
    'which it says');
is(($sled->command('ask', '--kind', 'gossip'))[0], 2, 'an unknown kind: 2');

# who asked goes away: the question is taken back

$m = asked('ask', '--kind', 'ask', '--task', 't1', '--question', 'q');
kill KILL => $ask->pid;
$ask->wait;
is($op->state($m->{req_id}, 'withdrawn')->{state}, 'withdrawn',
    'who asked goes away: the operator is told');

# ---- what becomes of a decision

my @perm = ('--tool', 'Bash', '--input', '{"command":"make"}');

$m = asked('perm_request', @perm);
$op->decide($m, approved => $true);
ok($op->state($m->{req_id}, $_), "a decision is $_")
    for qw(decided delivered applied);
answered(0, 'taken: 0');

# its output goes nowhere

$ask = do {
    my $binary = $sled->{binary};
    local $sled->{binary} = '/bin/sh';
    local $sled->{valgrind};
    $sled->start('-c', "exec '$binary' ask --tool Bash --input"
        . ' \'{"command":"x"}\' > /dev/full');
};
$m = $op->await('perm_request');
$op->decide($m, approved => $true);
ok($op->state($m->{req_id}, 'failed'), 'who cannot say it has not taken it');
answered(2, 'nor is it a yes');

# ---- a link goes, and comes back

sub cut {
    $t->allow(qr/exited on signal 9/);
    my $n = () = $sled->log =~ /registered: /g;
    my @workers = $t->workers;
    kill STOP => $t->{master};
    kill KILL => @workers;
    $sled->wait_log(qr/disconnected/, $n);
    return $n;
}

sub heal {
    my ($n) = @_;

    kill CONT => $t->{master};
    ok($sled->wait_log(qr/registered: .* resumed/, $n, 20), 'resumed');
    $op = $t->operator(session => $op->{session});
    return;
}

$m = asked('perm_request', @perm);
my $n = cut();
heal($n);
my $again = $op->await('perm_request');
is($again->{req_id}, $m->{req_id}, 'a request goes on');
$op->decide($again, approved => $true);
answered(0, 'and its answer comes');

$n = cut();
$ask = $sled->start('ask', @perm);
$sled->wait_log(qr/asked: perm_request/, 4);
ok(!$ask->ended, 'a new one waits a moment');
heal($n);
$m = $op->await('perm_request');
$op->decide($m, approved => $false);
answered(1, 'and is asked when the link is back');

# ---- rules outlive the sled

$m = asked('perm_request', @perm);
$op->decide($m, approved => $true, always_allow => $true);
answered(0, 'allowed for always');
$sled->finish;
$sled->run;
$sled->wait_log(qr/registered/);
is(($sled->command('ask', @perm))[1]{reason}, 'rule',
    'the next sled knows of it');
is((stat "$sled->{dir}/state/rules.json")[2] & 0777, 0600,
    'in a file of its own');

$sled->finish;
$t->finish(leaves => 'requests are remembered');
done_testing;
