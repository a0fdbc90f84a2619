#!/usr/bin/perl

# kill -9 of the worker that holds the sled, of the one that holds the
# operator, and of one that waits over HTTP: no decision is lost, doubled or
# invented, and everybody is told.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);
use Uplink::Fleet;

my ($true, $false) = (JSON::PP::true, JSON::PP::false);

my $t = Uplink::Fleet->new;

$t->fleet('uplink_resume_window 2s;')->run;

# the sled's worker dies: its requests wait for it, a decision meanwhile too

my $op = $t->operator(at => 1);
my $sled = $t->sled('alpha', at => 0);

$sled->ask($_, { id => $_ }) for qw(before during after);
my %q = map { my $m = $op->await('perm_request'); $m->{tool_input}{id} => $m }
    1 .. 3;

$op->decide($q{before}, approved => $true);
is($sled->answers('before')->{before}{approved}, $true, 'one before');
ok($op->state($q{before}{req_id}, 'delivered'), 'was delivered');

my $begin = time;
$t->kill9($t->pid_at(0));
$sled->closed;

$op->decide($q{during}, approved => $false, reason => 'not now');
my $state = $op->state($q{during}{req_id}, 'decided');
ok($state, 'one is decided while the sled is away');

my $sled2 = $t->sled('alpha', resume => $sled, at => 1);
ok($sled2->{registered}{resumed}, 'the sled comes back');

my $answer = $sled2->answers('during')->{during};
is($answer->{approved}, $false, 'and gets that at once');
is($answer->{message}, 'not now', 'in the words of the operator');
ok($op->state($q{during}{req_id}, 'delivered'), 'now it is delivered');

$op->decide($q{after}, approved => $true);
is($sled2->answers('after')->{after}{approved}, $true,
    'what was open is still open');

# nobody comes back: the operator is told, and within the window

$sled2->ask('lost', {});
my $lost = $op->await('perm_request');
my $lost_pid = $t->pid_of($sled2);

# (the operator sits in the same worker now: another one looks on)

my $other = $t->operator(not_at => $t->port_of($lost_pid));
is($other->await('perm_request')->{req_id}, $lost->{req_id},
    'another operator sees it as well');

$t->kill9($lost_pid);
$sled2->closed;
$op->closed;

$state = $other->state($lost->{req_id}, 'withdrawn');
is($state && $state->{reason}, 'sled_lost', 'the sled is lost: withdrawn');

my $r = $t->decide($lost->{req_id}, approved => $true);
is($r->status, 409, 'nobody can approve it any more');
is($r->json->{state}, 'withdrawn', 'and is told how it ended');

# a sled that never registered has no window: told at once

my $plain = $t->ws('/sled', not_at => $other->header('x-uplink-port'));
$plain->send_json({ type => 'perm_request', req_id => 'p', payload => {
    tool_name => 'Bash', tool_input => {} } });
my $p = $other->await('perm_request');

$begin = time;
$t->kill9($t->pid_of($plain));
$state = $other->state($p->{req_id}, 'withdrawn');
is($state && $state->{reason}, 'sled_lost', 'an unregistered one is lost');
cmp_ok(time - $begin, '<', 1 * $Uplink::Socket::patience,
    'and that is told within a second');

# the operator's worker dies: the request stays, the next socket gets it

my $sled3 = $t->sled('beta', not_at => $other->header('x-uplink-port'));
$sled3->ask('stays', { x => 1 });
my $stays = $other->await('perm_request');

$t->kill9($t->pid_of($other));
$other->closed;

my $op2 = $t->operator(session => $other->{session});
my $again = $op2->await('perm_request');
is($again->{req_id}, $stays->{req_id}, 'it is delivered again, same req_id');
$op2->decide($again, approved => $true, input_sha256 => $again->{input_sha256});
is($sled3->answers('stays')->{stays}{approved}, $true, 'and decided');

# one who waits over HTTP: withdrawn with its worker

my $ask = $t->start(POST => '/v1/permissions', json => {
    tool_name => 'Bash', tool_input => {} });
my $w = $op2->await('perm_request');
my $waits = $t->pid_of($ask);

if ($waits == $t->pid_of($op2)) {
    $op2 = $t->operator(session => $op2->{session},
        not_at => $t->port_of($waits));
    is($op2->await('perm_request')->{req_id}, $w->{req_id}, 'moved away');
}

$t->kill9($waits);
$state = $op2->state($w->{req_id}, 'withdrawn');
is($state && $state->{reason}, 'cancelled', 'the one who asked is gone');

# the counters have not lost anything

my $c = $t->counters;
is($c->{requests_opened}, 7, 'requests that were opened');
is($c->{requests_approved}, 3, 'approved');
is($c->{requests_denied}, 1, 'denied');
is($c->{requests_withdrawn}, 3, 'withdrawn');
is($c->{workers_reaped}, 5, 'workers that were cleaned up after');

$t->finish;

done_testing;
