#!/usr/bin/perl

# A sled that lost its connection dials again: what it asked goes on.

use strict;
use warnings;

use Test::More;

use Time::HiRes qw(time);

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;
use Uplink::Sled;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    uplink_resume_window 1s;
    uplink_permission_timeout 5s;
    uplink_max_connections_per_agent 3;
    uplink_request_memory 500ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location = /sled { uplink_sled main; }
        location = /quick {
            uplink_sled main;
            uplink_permission_timeout 300ms;
        }
        location = /none {
            uplink_sled main;
            uplink_resume_window 0;
        }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

sub counts {
    my ($want, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $have;

    $t->wait_for(sub {
        my $s = $t->http(GET => '/status')->json;
        $have = "$s->{sleds}{agents} $s->{sleds}{connections}"
            . " $s->{requests}{pending}";
        return $have eq $want;
    }, 10);

    is($have, $want, "$name: sleds, connections, requests");

    return;
}

# ---- lost, and back in the other worker

my $ws = sled($t, 'alpha');
my $at = $ws->header('x-uplink-port');
my $ticket = $ws->{registered};

request($ws, 'r1');
my ($open) = open_requests($t, 1);
$ws->close(reset => 1);
counts('1 0 1', 'away');

$ws = sled($t, 'alpha', resume => $ticket, not_at => $at);
is($ws->{registered}{resumed}, JSON::PP::true, 'resumed');
isnt($ws->{registered}{connection_id}, $ticket->{connection_id},
    'another connection_id');
isnt($ws->{registered}{resume_token}, $ticket->{resume_token},
    'another token');
counts('1 1 1', 'back');

is(decide($t, $open->{req_id})->status, 200, 'decided');
my $answer = answer($ws, 'r1');
is($answer->{approved}, JSON::PP::true, 'approved');
is($answer->{reason}, 'operator', 'by an operator');

# ---- decided while away

request($ws, 'r2');
($open) = open_requests($t, 1);
$ticket = $ws->{registered};
$ws->close;
counts('1 0 1', 'away');
is(decide($t, $open->{req_id}, approved => JSON::PP::false,
    reason => 'no')->status, 200, 'decided while it is away');

$ws = sled($t, 'alpha', resume => $ticket);
$answer = answer($ws, 'r2');
is($answer->{approved}, JSON::PP::false, 'delivered at once');
is($answer->{reason}, 'operator', 'as it was decided');
$ws->goodbye;

# ---- expired while away

$ws = sled($t, 'alpha', path => '/quick');
request($ws, 'r3');
open_requests($t, 1);
$ticket = $ws->{registered};
$ws->close;
counts('1 0 0', 'expired while away');

$ws = sled($t, 'alpha', resume => $ticket);
is(answer($ws, 'r3')->{reason}, 'timeout', 'it hears of the timeout');
$ws->goodbye;

# ---- the window is over

$ws = sled($t, 'alpha');
request($ws, 'r4');
open_requests($t, 1);
$ticket = $ws->{registered};
$ws->close;
counts('0 0 0', 'the window is over');

$ws = sled($t, 'alpha', resume => $ticket);
is($ws->{registered}{resumed}, JSON::PP::false, 'too late: not resumed');
request($ws, 'r4');
open_requests($t, 1);
ok($ws->goodbye, 'goodbye');
counts('0 0 0', 'a goodbye leaves no window');

# ---- wrong tickets inherit nothing, and end nothing

$ws = sled($t, 'alpha');
request($ws, 'r5');
open_requests($t, 1);
$ticket = { %{$ws->{registered}} };

for (
    [connection_id => 'alpha-' . '0' x 32],
    [connection_id => 'x'],
    [connection_id => ''],
    [connection_id => 'x' x 500],
    [resume_token => '0' x 64],
    [resume_token => ''],
    [resume_token => 'x' x 500],
    [resume_token => 7],
) {
    my $other = sled($t, 'alpha', resume => { %$ticket, $_->[0] => $_->[1] });
    is($other->{registered}{resumed}, JSON::PP::false,
        "wrong $_->[0]: not resumed");
    $other->goodbye;
}

my $thief = sled($t, 'beta', resume => $ticket);
is($thief->{registered}{resumed}, JSON::PP::false, 'a ticket of another sled');
$thief->goodbye;
ok($ws->quiet, 'the connection stands');
counts('1 1 1', 'with its request');

# ---- resume while the old connection stands: it is replaced, in both workers

for my $where ('at', 'not_at') {
    my $old = $ws;
    my $here = $old->header('x-uplink-port');
    my @full = map { sled($t, 'alpha') } 1 .. 2;

    $ws = sled($t, 'alpha', resume => $old->{registered}, $where => $here);
    is($ws->{registered}{resumed}, JSON::PP::true, "$where: takes over");
    $old->expect_close(4001, "$where: the old one is closed");

    # the ticket was used

    my $again = $t->ws('/sled');
    my $reply = register($again, agent_id => 'alpha', resume => {
        map { $_ => $old->{registered}{$_} } qw(connection_id resume_token) });
    like($reply->{error} // '', qr/^too_many_connections/,
        "$where: a ticket works once, and the replaced one counts no more");
    $again->close;
    $_->goodbye for @full;
}

counts('1 1 1', 'the request is still there');
($open) = open_requests($t, 1);
decide($t, $open->{req_id});
ok(answer($ws, 'r5')->{approved}, 'and is answered to the last one');
$ws->goodbye;

# ---- what does not resume: unregistered, identity, no window

$ws = $t->ws('/sled?sled=alpha');
request($ws, 'r6');
open_requests($t, 1);
$ws->close;
counts('0 0 0', 'unregistered: gone at once');

$ws = $t->ws('/sled');
say_to($ws, 'identity', '', { project => 'alpha' });
request($ws, 'r7');
open_requests($t, 1);
$ws->close;
counts('0 0 0', 'identity: gone at once');

$ws = sled($t, 'alpha', path => '/none');
is($ws->{registered}{resume_token}, undef, 'no window, no ticket');
$ws->close;
counts('0 0 0', 'no window: gone at once');

# ---- kill -9 of the worker: the sled comes back to another one

$ws = sled($t, 'alpha');
request($ws, 'r8');
($open) = open_requests($t, 1);
my $pid = $t->pid_of($ws);
$t->kill9($pid);
ok($ws->closed, 'the connection is lost');

$ws = sled($t, 'alpha', resume => $ws->{registered});
is($ws->{registered}{resumed}, JSON::PP::true, 'resumed after kill -9');
is(decide($t, $open->{req_id})->status, 200, 'decided');
ok(answer($ws, 'r8')->{approved}, 'and answered');
$ws->goodbye;

$t->finish;
done_testing;
